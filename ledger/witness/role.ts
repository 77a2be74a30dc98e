import { join } from 'node:path'
import { cosigner, decodeVkey, encodeVkey } from '../../proofs/note-key.js'
import type { NoteSigner } from '../../proofs/note-key.js'
import { logOrigin } from '../../proofs/checkpoint.js'
import { startAdmin } from '../../runtime/admin.js'
import { messageOf } from '../../runtime/errors.js'
import type { OperationalEvent } from '../../runtime/events.js'
import type { Logger } from '../../runtime/log.js'
import { serveTcp } from '../../runtime/api/server.js'
import type { Topic } from '../../runtime/outbox.js'
import { uuidv7 } from '../../runtime/uuid.js'
import { overHttp } from '../api/over-http.js'
import { splitListen } from '../config.js'
import { LedgerError } from '../errors.js'
import { openKeyFile } from '../key-file.js'
import { createWitnessApi } from './api.js'
import type { WitnessConfig } from './config.js'
import { WitnessStore } from './store.js'
import { Witness } from './witness.js'
import type { WitnessedLog } from './witness.js'

/** Statuses that are counted one by one. */
const STATUSES = [200, 400, 403, 404, 405, 409, 413, 422, 429, 500, 503]

export interface WitnessRoleOptions {
  /** The data folder. */
  readonly data: string
  readonly config: WitnessConfig
  /** What the name of a new key starts with when none is configured. */
  readonly defaultName: string
  /** Topic `events` of the outbox: what a log is convicted of goes there. */
  readonly events?: Topic
  readonly clock: { now(): number }
  readonly log: Logger
  /** Called when the store failed: the process must end at once. */
  readonly onFatal: (error: LedgerError) => void
}

/** A witness that serves. */
export interface WitnessRole {
  readonly info: Readonly<Record<string, string>>
  readonly checks: { readonly witness: () => string | undefined }
  /** In Prometheus' text format. */
  metrics(): Promise<string>
  stop(): Promise<void>
}

/** The key of the witness of a data folder, made when there is none, as a signer of cosignatures. */
export async function openWitnessKey(
  data: string,
  name: string,
  clock: { now(): number },
): Promise<NoteSigner> {
  const key = await openKeyFile(join(data, 'witness', 'key'), (publicKey) => logOrigin(name, publicKey))
  return cosigner(key, () => clock.now())
}

/**
 * Starts a witness.
 *
 * @throws LedgerError `BAD_WITNESSES` when no log is followed, `SOCKET`, `BAD_KEY`, `INDEX_DAMAGED`
 */
export async function startWitness(options: WitnessRoleOptions): Promise<WitnessRole> {
  const { config, clock, log } = options
  const logs = followedLogs(config)
  if (logs.length === 0)
    throw new LedgerError('BAD_WITNESSES', 'witness.logs is empty: name the vkeys of the logs to follow')
  const key = await openWitnessKey(options.data, config.name ?? options.defaultName, clock)
  if (logs.some(({ verifiers }) => verifiers.some((one) => isSameKey(one, key))))
    throw new LedgerError('BAD_WITNESSES', 'witness.logs names the key of this witness as that of a log')
  const store = new WitnessStore(join(options.data, 'witness', 'state'))
  const answered = new Map<number, number>()
  let equivocations = 0
  let failure: LedgerError | undefined
  const witness = new Witness({
    store,
    cosigner: key,
    logs,
    onEquivocation: (origin, size) => {
      equivocations++
      const message = `${origin} signed two roots of ${size} entries; the proof is kept`
      log.fatal({ code: 'EQUIVOCATION', origin, size }, message)
      void publish(options, 'EQUIVOCATION', message)
    },
  })
  const api = createWitnessApi(witness, {
    onAnswer: (status) => answered.set(status, (answered.get(status) ?? 0) + 1),
    onFatal: (error) => {
      failure = error
      log.fatal({ code: error.code, err: messageOf(error.cause ?? error) }, 'the witness stops')
      options.onFatal(error)
    },
  })
  const unhealthy = (): string | undefined => failure?.message
  const metrics = async (): Promise<string> => exposition({ answered, equivocations, logs: logs.length })
  const opened: { close(): Promise<void> }[] = [store]
  try {
    const maxBody = Math.max(...logs.map(({ maxBodyBytes }) => maxBodyBytes))
    const server = await serveTcp(overHttp(api, maxBody), {
      ...hostPort(config.listen),
      setting: 'witness.listen',
    })
    opened.unshift(server)
    const admin = await startAdmin({
      ...hostPort(config.admin),
      setting: 'witness.admin',
      problems: async () => {
        const reason = unhealthy()
        return reason === undefined ? {} : { witness: reason }
      },
      metrics,
      log,
    })
    opened.unshift(admin)
    return {
      info: { vkey: encodeVkey(key), listen: server.address, admin: `${admin.host}:${admin.port}` },
      checks: { witness: unhealthy },
      metrics,
      stop: () => closeAll(opened),
    }
  } catch (error) {
    await closeAll(opened)
    throw error
  }
}

async function closeAll(opened: readonly { close(): Promise<void> }[]): Promise<void> {
  for (const one of opened) await one.close()
}

function isSameKey(a: { readonly publicKey: Uint8Array }, b: { readonly publicKey: Uint8Array }): boolean {
  return Buffer.compare(a.publicKey, b.publicKey) === 0
}

/** Keys of one origin are keys of one log. */
function followedLogs(config: WitnessConfig): WitnessedLog[] {
  const byOrigin = new Map<string, WitnessedLog>()
  for (const { vkey, max_body_bytes, requests_per_minute } of config.logs) {
    const verifier = decodeVkey(vkey)
    const known = byOrigin.get(verifier.name)
    byOrigin.set(verifier.name, {
      origin: verifier.name,
      verifiers: [...(known?.verifiers ?? []), verifier],
      maxBodyBytes: Math.max(known?.maxBodyBytes ?? 0, max_body_bytes),
      requestsPerMinute: Math.max(known?.requestsPerMinute ?? 0, requests_per_minute),
    })
  }
  return [...byOrigin.values()]
}

function hostPort(text: string): { readonly host: string; readonly port: number } {
  const split = splitListen(text)
  if (split === undefined) throw new LedgerError('SOCKET', `${text} is not HOST:PORT`)
  return split
}

async function publish(options: WitnessRoleOptions, code: string, message: string): Promise<void> {
  const time = options.clock.now()
  const event: OperationalEvent = {
    id: uuidv7(time),
    time,
    type: 'operational',
    severity: 'critical',
    data: { role: 'witness', code, message },
  }
  try {
    await options.events?.append(Buffer.from(JSON.stringify(event)))
  } catch (error) {
    options.log.error({ err: messageOf(error) }, 'the event of an equivocation could not be published')
  }
}

function exposition(facts: {
  readonly answered: ReadonlyMap<number, number>
  readonly equivocations: number
  readonly logs: number
}): string {
  const answers = STATUSES.map(
    (status) => `portcullis_witness_answers_total{status="${status}"} ${facts.answered.get(status) ?? 0}\n`,
  )
  return [
    '# HELP portcullis_witness_answers_total Requests by the status of their answer.\n',
    '# TYPE portcullis_witness_answers_total counter\n',
    ...answers,
    '# HELP portcullis_witness_equivocations_total Proofs against logs that were kept since the start.\n',
    '# TYPE portcullis_witness_equivocations_total counter\n',
    `portcullis_witness_equivocations_total ${facts.equivocations}\n`,
    '# HELP portcullis_witness_logs Logs that are followed.\n',
    '# TYPE portcullis_witness_logs gauge\n',
    `portcullis_witness_logs ${facts.logs}\n`,
  ].join('')
}
