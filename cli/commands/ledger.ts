import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Option } from 'commander'
import type { Command } from 'commander'

import type { LedgerAccess, LocalRequest } from '../../ledger/access.js'
import { JSON_TYPE } from '../../ledger/api/message.js'
import type { ApiResponse } from '../../ledger/api/message.js'
import { openApiDocument } from '../../ledger/api/openapi.js'
import { problemError } from '../../runtime/api/problem.js'
import { ROUTES } from '../../ledger/api/routes.js'
import { LedgerError } from '../../ledger/errors.js'
import { readIdentity } from '../../ledger/identity.js'
import { openConfiguredLog, startLedger } from '../../ledger/role.js'
import { parseSessionBundle } from '../../proofs/bundle.js'
import { decodeVkey, encodeVkey } from '../../proofs/note-key.js'
import { privateFolder } from '../../runtime/data-folder.js'
import { openOutbox } from '../../runtime/lmdb-outbox.js'
import { endAtOnce } from '../../runtime/role.js'
import { openTopic } from '../../runtime/topics.js'
import type { CliContext, Flags } from '../context.js'
import { UsageError } from '../context.js'
import { success, withAccess } from './ledger-access.js'
import { collect } from '../flags.js'
import { appendInput } from './ledger-append.js'
import { registerLedgerAudit } from './ledger-audit.js'
import { registerLedgerBody } from './ledger-body.js'
import { registerLedgerCare } from './ledger-care.js'

interface LedgerFlags extends Flags {
  readonly json?: boolean
  readonly agent?: string
  readonly out?: string
  readonly format?: 'json' | 'cose'
  readonly from?: string
  readonly wait?: string
  readonly commit?: readonly string[]
  readonly name?: string
  readonly root?: string
}

const clock = { now: () => Date.now() }
const POLL_MS = 50
const DEFAULT_WAIT_SECONDS = 5

/** `portcullis ledger`, the role, and its commands. */
export const registerLedger = (program: Command, context: CliContext): void => {
  const ledger = withData(program.command('ledger'))
    .description('serve the ledger alone; or, with a command, ask it')
    .enablePositionalOptions()
    .action((flags: LedgerFlags) => serve(context, flags))
  const command = (usage: string, description: string): Command =>
    withData(ledger.command(usage)).description(description)

  command('init', 'begin a new log in an empty data folder')
    .option('--name <name>', 'what its origin starts with (the name of this host)')
    .option('--root <vkey>', 'the root key of the operator, made elsewhere (one is made in keys/root)')
    .option('--json', 'as JSON')
    .action((_: unknown, self: Command) => init(context, flagsOf(self)))

  command('append', 'append an action as an agent of this machine')
    .argument('[file]', 'an action as JSON, or an entry as it is; - is standard input', '-')
    .option('--agent <name>', 'the agent that acts; its key is made on first use', 'cli')
    .option(
      '--commit <member=file>',
      'commit to the content of a file, redacted before, and keep it (repeatable)',
      collect,
    )
    .action((file: string, _: unknown, self: Command) => {
      const flags = flagsOf(self)
      return withAccess(context, flags, async (access, data) => {
        const result = await appendInput(access, {
          data,
          file,
          agent: flags.agent ?? 'cli',
          stdin: context.stdin,
          clock,
          ...(flags.commit !== undefined && { commit: flags.commit }),
        })
        context.stdout.write(`${JSON.stringify(result)}\n`)
      })
    })

  command('proof', 'print the inclusion proof of an entry (C2SP tlog-proof)')
    .argument('<entry>', 'its index, or its id')
    .option('--agent <name>', 'the agent, when several used the id')
    .option('--json', 'as JSON')
    .action((entry: string, _: unknown, self: Command) => {
      const flags = flagsOf(self)
      return withAccess(context, flags, async (access) => {
        const target = entryTarget(entry, 'proof', flags.agent)
        const answer = await access.request({ target, ...(flags.json && { accept: 'application/json' }) })
        context.stdout.write(success(answer))
      })
    })

  command('checkpoint', 'print the newest signed checkpoint').action((_: unknown, self: Command) =>
    withAccess(context, flagsOf(self), async (access) => {
      context.stdout.write(success(await access.request({ target: '/checkpoint' })))
    }),
  )

  command('receipt', 'write the receipt of an entry, which `verify` checks offline')
    .argument('<request-id>', 'the id of a verdict or of any other entry, or an index')
    .option('--agent <name>', 'the agent, when several used the id')
    .option('--out <file>', 'where to; standard output when left out')
    .addOption(
      new Option('--format <format>', 'json holds all that proves the entry; cose its inclusion (RFC 9942)')
        .choices(['json', 'cose'])
        .default('json'),
    )
    .option(
      '--wait <seconds>',
      'how long an entry that is on its way is waited for',
      String(DEFAULT_WAIT_SECONDS),
    )
    .action((id: string, _: unknown, self: Command) => {
      const flags = flagsOf(self)
      return withAccess(context, flags, async (access) => {
        const accept = flags.format === 'cose' ? 'application/cose' : JSON_TYPE
        const request = { target: entryTarget(id, 'receipt', flags.agent), accept }
        await put(context, flags, await awaitReceipt(access, request, waitMs(flags)))
      })
    })

  command('bundle', 'write all entries of a session with what proves them, which `verify` checks offline')
    .argument('<session>', 'its name')
    .option('--from <index>', 'log index to begin at, when the session is too long for one bundle')
    .option('--out <file>', 'where to; standard output when left out')
    .action((session: string, _: unknown, self: Command) => {
      const flags = flagsOf(self)
      return withAccess(context, flags, async (access) => {
        const query = flags.from === undefined ? '' : `?from=${encodeURIComponent(flags.from)}`
        const target = `/v1/bundle/${encodeURIComponent(session)}${query}`
        const bundle = success(await access.request({ target }))
        await put(context, flags, bundle)
        const { next } = parseSessionBundle(bundle)
        if (next !== undefined) context.stderr.write(`the session goes on: --from ${next} writes the rest\n`)
      })
    })

  command('session', 'print who acts in a session and whether its record is whole')
    .argument('<session>', 'its name')
    .action((session: string, _: unknown, self: Command) =>
      withAccess(context, flagsOf(self), async (access) => {
        const target = `/v1/sessions/${encodeURIComponent(session)}`
        context.stdout.write(success(await access.request({ target })))
      }),
    )

  ledger
    .command('openapi')
    .description('print the OpenAPI document of the HTTP API')
    .action(() => {
      context.stdout.write(`${JSON.stringify(openApiDocument(ROUTES), null, 2)}\n`)
    })

  command('policy', 'print the trust policy of this log, for `verify --policy`').action(
    (_: unknown, self: Command) => policy(context, flagsOf(self)),
  )

  registerLedgerBody(command, context)
  registerLedgerAudit(ledger, context)
  registerLedgerCare(command, context)
}

const withData = (command: Command): Command =>
  command
    .option('--config <file>', 'configuration file (YAML)')
    .option('--data <dir>', 'folder of all state (./data)')

/** Flags of a command, with those that were given before its name: `ledger --data DIR policy`. */
const flagsOf = (command: Command): LedgerFlags => command.optsWithGlobals<LedgerFlags>()

const serve = async (context: CliContext, flags: LedgerFlags): Promise<void> => {
  const { config } = context.loadConfig(flags)
  await context.runRole('ledger', config, async (log) => {
    const data = await privateFolder(resolve(config.data))
    const outbox = openOutbox(join(data, 'outbox'), { log })
    try {
      const role = await startLedger({
        data,
        config: config.ledger,
        outbound: config.outbound,
        topic: openTopic(outbox, 'ledger'),
        events: openTopic(outbox, 'events'),
        clock,
        log,
        env: context.env,
        // Nothing may be acknowledged after it, so there is nothing to finish: the next start recovers by reading.
        onFatal: endAtOnce,
      })
      const stop = async (): Promise<void> => {
        await role.stop()
        await outbox.close()
      }
      return { ...role, metrics: () => role.metrics(), stop }
    } catch (error) {
      await outbox.close()
      throw error
    }
  })
}

const init = async (context: CliContext, flags: LedgerFlags): Promise<void> => {
  const { config } = context.loadConfig(flags)
  const data = await privateFolder(resolve(config.data))
  const present = await readIdentity(join(data, 'ledger'))
  if (present !== undefined) {
    throw new LedgerError('ALREADY_INITIALISED', `${data} holds the log ${present.origin} already`)
  }
  // The origin that is configured belongs to the log that was there: the new one has a key, and so a name, of its own.
  const { origin, ...rest } = config.ledger
  const settings = { ...rest, ...(flags.name !== undefined && { name: flags.name }) }
  const log = await openConfiguredLog({
    data,
    config: settings,
    clock,
    env: context.env,
    log: context.logger(config, 'ledger'),
    ...(flags.root !== undefined && { root: decodeVkey(flags.root) }),
  })
  const { identity } = log
  await log.close()
  const made = { origin: identity.origin, vkey: identity.vkey, root: encodeVkey(identity.root) }
  context.stdout.write(
    flags.json
      ? `${JSON.stringify(made)}\n`
      : `origin ${made.origin}\nvkey   ${made.vkey}\nroot   ${made.root}\n`,
  )
  if (origin !== undefined) context.stderr.write(`ledger.origin is ${origin}: change it to ${made.origin}\n`)
}

const policy = async (context: CliContext, flags: LedgerFlags): Promise<void> => {
  const { config } = context.loadConfig(flags)
  const folder = join(resolve(config.data), 'ledger')
  const identity = await readIdentity(folder)
  if (identity === undefined) throw new LedgerError('NOT_INITIALISED', `there is no log in ${folder} yet`)
  await withAccess(context, flags, async (access) => {
    context.stdout.write(success(await access.request({ target: '/.well-known/ledger-policy' })))
  })
}

const entryTarget = (entry: string, part: string, agent: string | undefined): string => {
  const query = agent === undefined ? '' : `?agent=${encodeURIComponent(agent)}`
  return `/v1/entries/${encodeURIComponent(entry)}/${part}${query}`
}

/** Writes to the file that was asked for, or to standard output. */
const put = async (context: CliContext, { out }: LedgerFlags, bytes: Uint8Array): Promise<void> => {
  if (out === undefined) context.stdout.write(bytes)
  else await writeFile(out, bytes)
}

const waitMs = (flags: LedgerFlags): number => {
  const seconds = Number(flags.wait ?? DEFAULT_WAIT_SECONDS)
  if (!Number.isFinite(seconds) || seconds < 0 || seconds > 3600) {
    throw new UsageError('--wait takes a number of seconds from 0 to 3600')
  }
  return seconds * 1000
}

/** A verdict reaches the log a moment after its request was answered: its batch has to be sealed and taken in first. */
const awaitReceipt = async (
  access: LedgerAccess,
  request: LocalRequest,
  limitMs: number,
): Promise<Uint8Array> => {
  const until = performance.now() + limitMs
  for (;;) {
    const answer = await access.request(request)
    if (answer.status !== 404) return success(answer)
    if (performance.now() >= until) throw notFound(answer)
    await pause(POLL_MS)
  }
}

const notFound = (answer: ApiResponse): Error => {
  const error = problemError(answer, 'ledger')
  error.message +=
    '; above its rate, a gateway counts verdicts in a security.summary and they have no receipt'
  return error
}
