import { hostname } from 'node:os'
import { join } from 'node:path'
import type { NoteVerifier } from '../proofs/note-key.js'
import { serveSocket, serveTcp } from '../runtime/api/server.js'
import type { ApiServer } from '../runtime/api/server.js'
import { messageOf } from '../runtime/errors.js'
import type { Logger } from '../runtime/log.js'
import type { Topic } from '../runtime/outbox.js'
import { uuidv7 } from '../runtime/uuid.js'
import type { OperationalEvent } from '../runtime/events.js'
import { anchorMetrics } from './anchor/metrics.js'
import type { Anchoring } from './anchor/anchoring.js'
import { openAnchors } from './anchor/open.js'
import { overHttp, SOCKET_NAME } from './api/over-http.js'
import { createApi } from './api/routes.js'
import { splitListen } from './config.js'
import type { LedgerConfig } from './config.js'
import { realDisk } from './disk.js'
import type { LedgerError } from './errors.js'
import { mirrorOpener } from './mirror/open.js'
import { Intake } from './intake.js'
import { openLog } from './log.js'
import type { Log } from './log.js'
import { Registrar } from './keys/registrar.js'
import { openRoot, readRoot } from './keys/root.js'
import type { RootSource } from './keys/root.js'
import { readToken } from './secret.js'
import { trustPolicy } from './trust-policy.js'
import type { OutboundConfig } from '../runtime/outbound.js'
import { notWitnessed } from './witnessing/api.js'
import { witnessingMetrics } from './witnessing/metrics.js'
import { openWitnessing } from './witnessing/open.js'
import type { Witnessing } from './witnessing/witnessing.js'

export interface LedgerRoleOptions {
  /** The data folder. */
  readonly data: string
  readonly config: LedgerConfig
  /** Topic `ledger` of the outbox. */
  readonly topic: Topic
  /** Topic `events`: operational events go there. */
  readonly events?: Topic
  readonly clock: { now(): number }
  readonly log: Logger
  /** Which addresses our own requests may reach; public ones when left out. */
  readonly outbound?: OutboundConfig
  /** Where `env:NAME` of `ledger.token` is looked up. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Called when nothing can be acknowledged any more: the process must end at once and recover by reading. */
  readonly onFatal: (error: LedgerError) => void
}

/** The writer, serving. */
export interface LedgerRole {
  readonly info: Readonly<Record<string, string>>
  readonly checks: Readonly<Record<'ledger' | 'witnesses', () => string | undefined>>
  /** In Prometheus' text format. */
  metrics(): Promise<string>
  /** Takes nothing new, finishes what is in flight, gives the lease back. */
  stop(): Promise<void>
}

/** A name for a new log when none is configured. */
export function defaultName(): string {
  const name = hostname()
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]/g, '-')
    .replaceAll(/^[.-]+|[.-]+$/g, '')
    .slice(0, 63)
  return name === '' ? 'localhost' : name
}

/** Opens the log of a data folder as its configuration says. */
export function openConfiguredLog(
  options: Pick<LedgerRoleOptions, 'data' | 'config' | 'clock' | 'log' | 'env'> & {
    readonly onFatal?: (error: LedgerError) => void
    /** A root key whose private half is elsewhere: what a new log is begun with. */
    readonly root?: NoteVerifier
  },
): Promise<Log> {
  const { config, root, env } = options
  const { mysql } = config
  return openLog({
    folder: join(options.data, 'ledger'),
    disk: realDisk,
    clock: options.clock,
    log: options.log,
    name: config.name ?? defaultName(),
    root: async () => root ?? openRoot(rootSource(options)),
    ...(config.origin !== undefined && { origin: config.origin }),
    segmentBytes: config.segment_bytes,
    ...(mysql !== undefined && { openMirror: mirrorOpener(mysql, env) }),
    ...(options.onFatal !== undefined && { onFatal: options.onFatal }),
  })
}

/** Where the configuration says that the root key is. */
export function rootSource({
  data,
  config,
  env,
}: Pick<LedgerRoleOptions, 'data' | 'config' | 'env'>): RootSource {
  return { data, env, ...(config.root_key !== undefined && { reference: config.root_key }) }
}

/** Registers what asks for it, from now until it is stopped. */
export async function startRegistrar(
  target: Log,
  options: Pick<LedgerRoleOptions, 'data' | 'config' | 'clock' | 'log' | 'env'>,
): Promise<Registrar> {
  const root = await readRoot(rootSource(options), target.keys, options.log)
  const { clock, log } = options
  const folder = join(options.data, 'ledger')
  const registrar = new Registrar(target, { folder, root, clock, log })
  await registrar.start()
  return registrar
}

/** Starts the writer: opens the log, serves the API, drains the outbox. */
export async function startLedger(options: LedgerRoleOptions): Promise<LedgerRole> {
  const { config, log: logger } = options
  const folder = join(options.data, 'ledger')
  const token = config.token === undefined ? undefined : await readToken(config.token, options.env)
  const log = await openConfiguredLog(options)
  const servers: ApiServer[] = []
  let intake: Intake | undefined
  let witnessing: Witnessing | undefined
  let anchoring: Anchoring | undefined
  let registrar: Registrar | undefined
  const figures = async (): Promise<string> =>
    metrics(log, intake, options.topic) +
    (witnessing === undefined ? '' : witnessingMetrics(witnessing)) +
    (anchoring === undefined ? '' : anchorMetrics(anchoring))
  try {
    witnessing = await openWitnessing(log, {
      ...options,
      onAlarm: (code, message) => void publish(options, code, message, 'critical'),
    })
    log.keys.reserveWitnesses(witnessing?.policy.witnesses.map(({ verifier }) => verifier) ?? [])
    registrar = await startRegistrar(log, options)
    anchoring = await openAnchors(log, options, witnessing)
    const api = createApi(log, {
      ...(token !== undefined && { token }),
      witnessing,
      anchors: anchoring,
      reads: config.reads,
      policy: () => trustPolicy(log, config.witnesses, anchoring?.pins() ?? []),
      metrics: figures,
      onError: (error) => logger.error({ err: messageOf(error) }, 'a request could not be answered'),
    })
    const served = overHttp(api, config.max_body_bytes)
    servers.push(await serveSocket(served, folder, SOCKET_NAME))
    const tcp = config.listen === undefined ? undefined : splitListen(config.listen)
    if (tcp !== undefined) servers.push(await serveTcp(served, { ...tcp, setting: 'ledger.listen' }))
  } catch (error) {
    await Promise.all(servers.map((server) => server.close()))
    await anchoring?.stop()
    await registrar?.stop()
    await log.close()
    throw error
  }
  witnessing?.begin()
  anchoring?.start()
  const taking = new Intake(log, {
    topic: options.topic,
    folder,
    log: logger,
    onRefused: (code, message) => publish(options, code, message, 'high'),
  })
  intake = taking
  const registering = registrar
  const [socket, listen] = servers.map(({ address }) => address)
  return {
    info: {
      origin: log.identity.origin,
      ...(socket !== undefined && { socket }),
      ...(listen !== undefined && { listen }),
    },
    checks: { ledger: () => log.unhealthy(), witnesses: () => witnessing && notWitnessed(witnessing) },
    metrics: figures,
    stop: async () => {
      await anchoring?.stop()
      await witnessing?.stop()
      await taking.stop()
      await Promise.all(servers.map((server) => server.close()))
      await registering.stop()
      await log.close()
    },
  }
}

async function publish(
  options: LedgerRoleOptions,
  code: string,
  message: string,
  severity: OperationalEvent['severity'],
): Promise<void> {
  const time = options.clock.now()
  const event: OperationalEvent = {
    id: uuidv7(time),
    time,
    type: 'operational',
    severity,
    data: { role: 'ledger', code, message },
  }
  try {
    await options.events?.append(Buffer.from(JSON.stringify(event)))
  } catch (error) {
    options.log.error({ err: messageOf(error) }, 'an event could not be published')
  }
}

function metrics(log: Log, intake: Intake | undefined, topic: Topic): string {
  const rows: readonly (readonly [name: string, type: string, help: string, value: number])[] = [
    [
      'portcullis_ledger_entries',
      'gauge',
      'Entries that the published checkpoint covers.',
      log.published.size,
    ],
    [
      'portcullis_ledger_checkpoint_time_seconds',
      'gauge',
      'When it was recorded.',
      log.published.time / 1000,
    ],
    [
      'portcullis_ledger_healthy',
      'gauge',
      'Whether the ledger is healthy.',
      log.unhealthy() === undefined ? 1 : 0,
    ],
    ['portcullis_ledger_outbox_depth', 'gauge', 'Batches that wait to be appended.', topic.depth],
    [
      'portcullis_ledger_refused_total',
      'counter',
      'Batches that were refused since the start.',
      intake?.refused ?? 0,
    ],
    [
      'portcullis_ledger_waiting_batches',
      'gauge',
      'Batches that wait for their key to be registered.',
      intake?.waiting ?? 0,
    ],
    [
      'portcullis_ledger_key_requests',
      'gauge',
      'Keys that ask to be registered and are not.',
      log.keys.waiting.length,
    ],
  ]
  return rows
    .map(([name, type, help, value]) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${value}\n`)
    .join('')
}
