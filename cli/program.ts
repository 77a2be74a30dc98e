import { Command, CommanderError } from 'commander'

import { codeOf, messageOf } from '../runtime/errors.js'
import { ReportedFailure } from '../runtime/role.js'
import { registerConfig } from './commands/config.js'
import { registerDemoService } from './commands/demo-service.js'
import { registerExplain } from './commands/explain.js'
import { registerGateway } from './commands/gateway.js'
import { registerIncidents } from './commands/incidents.js'
import { registerLedger } from './commands/ledger.js'
import { registerQuarantine } from './commands/quarantine.js'
import { registerScan } from './commands/scan.js'
import { registerScanner } from './commands/scanner.js'
import { registerUp } from './commands/up.js'
import { registerVerify } from './commands/verify.js'
import type { CliContext } from './context.js'
import { UsageError } from './context.js'
import type { OwnContext } from './run.js'
import { version } from './run.js'

const EXIT_FAILURE = 1
const EXIT_USAGE = 2

/** The whole command. */
export const buildProgram = (context: CliContext): Command => {
  const program = new Command('portcullis')
    .description('Guards services: a gateway, a scanner, a ledger of signed decisions, and incidents.')
    .version(version, '-V, --version', 'print the version')
    // `ledger --data X receipt …` and `ledger receipt … --data X` are different flags of different commands.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      writeErr: (text) => void context.stderr.write(text),
    })
    .showHelpAfterError('Add --help to the command for what it takes.')
    .addHelpText('after', '\nExit status: 0 success, 1 failure, 2 a mistake in the command line.')
  registerUp(program, context)
  registerGateway(program, context)
  registerScanner(program, context)
  registerLedger(program, context)
  registerIncidents(program, context)
  registerScan(program, context)
  registerQuarantine(program, context)
  registerVerify(program, context)
  registerExplain(program, context)
  registerConfig(program, context)
  registerDemoService(program, context)
  withoutHelpCommands(program)
  return program
}

/** `--help` is the one way to ask; a command named `help` beside it would be listed everywhere. */
const withoutHelpCommands = (command: Command): void => {
  for (const below of command.helpCommand(false).commands) withoutHelpCommands(below)
}

/**
 * Runs one command line.
 *
 * @param argv as in `process.argv`
 * @returns the exit code
 */
export const runCommandLine = async (argv: readonly string[], context: OwnContext): Promise<number> => {
  try {
    await buildProgram(context).parseAsync([...argv])
    return context.exitCode()
  } catch (error) {
    return report(error, context)
  }
}

/** Says what went wrong, without a stack for what an operator can mend, and picks the exit code. */
const report = (error: unknown, { stderr }: CliContext): number => {
  // commander has written its message already; `--help` and `--version` come this way too.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE
  if (error instanceof ReportedFailure) return EXIT_FAILURE
  const code = codeOf(error)
  if (code === undefined && error instanceof Error)
    stderr.write(`INTERNAL: ${error.stack ?? error.message}\n`)
  else {
    const message = messageOf(error)
    stderr.write(`${code ?? 'INTERNAL'}:${message.includes('\n') ? '\n' : ' '}${message}\n`)
  }
  return error instanceof UsageError || isFlagMistake(error) ? EXIT_USAGE : EXIT_FAILURE
}

/** Whether all that is wrong with the configuration came from flags. */
const isFlagMistake = (error: unknown): boolean =>
  codeOf(error) === 'CONFIG_INVALID' &&
  messageOf(error)
    .split('\n')
    .every((problem) => problem.startsWith('--'))
