import { Command, CommanderError } from 'commander'

import { codeOf, messageOf } from '../runtime/errors.js'
import { ReportedFailure } from '../runtime/role.js'
import type { CliContext } from './context.js'
import { UsageError } from './context.js'
import type { OwnContext } from './run.js'
import { version } from './run.js'

const EXIT_FAILURE = 1
const EXIT_USAGE = 2

type Register = (program: Command, context: CliContext) => void

/** A command that answers at once does not wait for the code that only a server needs. */
const COMMANDS: Readonly<Record<string, () => Promise<Register>>> = {
  up: async () => (await import('./commands/up.js')).registerUp,
  gateway: async () => (await import('./commands/gateway.js')).registerGateway,
  scanner: async () => (await import('./commands/scanner.js')).registerScanner,
  ledger: async () => (await import('./commands/ledger.js')).registerLedger,
  anchor: async () => (await import('./commands/anchor.js')).registerAnchor,
  witness: async () => (await import('./commands/witness.js')).registerWitness,
  keys: async () => (await import('./commands/keys.js')).registerKeys,
  incidents: async () => (await import('./commands/incidents.js')).registerIncidents,
  playbooks: async () => (await import('./commands/playbooks.js')).registerPlaybooks,
  approvals: async () => (await import('./commands/answers.js')).registerApprovals,
  answers: async () => (await import('./commands/answers.js')).registerAnswers,
  alerts: async () => (await import('./commands/alerts.js')).registerAlerts,
  scan: async () => (await import('./commands/scan.js')).registerScan,
  hashes: async () => (await import('./commands/hashes.js')).registerHashes,
  yara: async () => (await import('./commands/yara.js')).registerYara,
  quarantine: async () => (await import('./commands/quarantine.js')).registerQuarantine,
  response: async () => (await import('./commands/response.js')).registerResponse,
  signatures: async () => (await import('./commands/signatures.js')).registerSignatures,
  verify: async () => (await import('./commands/verify.js')).registerVerify,
  explain: async () => (await import('./commands/explain.js')).registerExplain,
  rules: async () => (await import('./commands/rules.js')).registerRules,
  config: async () => (await import('./commands/config.js')).registerConfig,
  'demo-service': async () => (await import('./commands/demo-service.js')).registerDemoService,
}

/**
 * The whole command, or the part of it that `first` names.
 *
 * @param first the first argument; when it is no command, all of them are there
 */
export const buildProgram = async (context: CliContext, first?: string): Promise<Command> => {
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
  const named = first !== undefined && Object.hasOwn(COMMANDS, first) ? COMMANDS[first] : undefined
  for (const load of named ? [named] : Object.values(COMMANDS)) (await load())(program, context)
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
    const program = await buildProgram(context, argv[2])
    await program.parseAsync([...argv])
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
