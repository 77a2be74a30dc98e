import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { readAnswers } from '../../gateway/answers/store.js'
import { encodeCommand } from '../../runtime/commands.js'
import { openOutbox } from '../../runtime/lmdb-outbox.js'
import { openTopic } from '../../runtime/topics.js'
import { uuidv7 } from '../../runtime/uuid.js'
import { UsageError } from '../context.js'
import type { CliContext, Flags } from '../context.js'
import { localActor, withIncidents } from '../incident-access.js'
import { asciiJson, printable } from '../printable.js'

const shared = (command: Command): Command =>
  command.option('--config <file>', 'configuration file (YAML)').option('--data <dir>', 'data folder')

interface Asked {
  readonly id: string
  readonly incident: string
  readonly by: string
  readonly digest: string
  readonly action: { readonly type: string }
  readonly ask_until?: number
}

/** `portcullis answers`: what the gateway refuses because of incidents. */
export const registerAnswers = (program: Command, context: CliContext): void => {
  const answers = program.command('answers').description('bans, blocked paths and virtual patches that hold')
  const dataOf = (flags: Flags): string => resolve(context.loadConfig(flags).config.data)

  shared(answers.command('list'))
    .description('what holds now, oldest first')
    .option('--json', 'one JSON object per line')
    .action(async (flags: Flags) => {
      for (const answer of await readAnswers(dataOf(flags))) {
        const { command, by, action, expires } = answer
        const { type, ...what } = action
        context.stdout.write(
          flags['json'] === true
            ? `${JSON.stringify(answer)}\n`
            : `${command}  ${type}  ${asciiJson(what)}  until ${new Date(expires).toISOString()}  ${printable(by)}\n`,
        )
      }
    })

  shared(answers.command('revoke'))
    .description('take back an answer; a gateway that is down does it when it starts')
    .argument('<id>')
    .action(async (id: string, flags: Flags) => {
      const data = dataOf(flags)
      if (!(await readAnswers(data)).some(({ command }) => command === id))
        throw new UsageError(
          `no answer ${printable(id)} holds; \`portcullis answers list\` shows those that do`,
        )
      const outbox = openOutbox(join(data, 'outbox'))
      try {
        const time = Date.now()
        await openTopic(outbox, 'commands.gateway').append(
          encodeCommand({
            id: uuidv7(time),
            time,
            by: `person:${localActor()}`,
            action: { type: 'revoke', command: id },
            dry_run: false,
          }),
        )
      } finally {
        await outbox.close()
      }
    })
}

/** `portcullis approvals`: answers that wait for a person. */
export const registerApprovals = (program: Command, context: CliContext): void => {
  const approvals = program.command('approvals').description('answers to incidents that wait for a person')

  shared(approvals.command('list'))
    .description('what waits, newest first')
    .option('--json', 'one JSON object per line')
    .action(async (flags: Flags) => {
      const page = (await withIncidents(context, flags, (ask) => ask('GET', '/v1/approvals'))) as {
        readonly approvals: readonly Asked[]
      }
      for (const asked of page.approvals) {
        const { id, incident, by, action, digest, ask_until = 0 } = asked
        const { type, ...what } = action
        context.stdout.write(
          flags['json'] === true
            ? `${JSON.stringify(asked)}\n`
            : `${id}  ${type}  ${asciiJson(what)}  incident ${incident}  asked by ${printable(by)}  until ` +
                `${new Date(ask_until).toISOString()}  digest ${digest}\n`,
        )
      }
    })

  for (const decision of ['approve', 'deny'] as const)
    shared(approvals.command(decision))
      .description(decision === 'approve' ? 'let an answer be given, once' : 'have an answer not given')
      .argument('<id>')
      .option('--digest <sha256>', 'of the answer as it was shown; another one is refused')
      .action(async (id: string, flags: Flags) => {
        const { digest } = flags
        const body = { decision, ...(typeof digest === 'string' && { digest }) }
        const target = `/v1/approvals/${encodeURIComponent(id)}`
        const answer = (await withIncidents(context, flags, (ask) => ask('POST', target, body))) as {
          readonly state: string
        }
        context.stdout.write(`${answer.state}\n`)
      })
}
