import type { Event } from '../runtime/events.js'
import { codeOf, messageOf } from '../runtime/errors.js'
import type { Logger } from '../runtime/log.js'
import type { Topic } from '../runtime/outbox.js'
import { uuidv7 } from '../runtime/uuid.js'
import type { ActionValue, LedgerRecorder } from '../ledger/client/types.js'
import type { Clock } from '../detectors/ports.js'
import { AuditLog, auditFailure } from './audit-log.js'
import { GatewayError } from './errors.js'
import type { MalformedReport } from './malformed-reports.js'
import type { GatewayMeter, RecordLoss } from './meter.js'
import type { ThreadSink } from './plane-threads.js'
import { RepeatedLog } from './repeated-log.js'
import type { Commitment } from './salted-record.js'
import { VerdictEvents } from './verdict-events.js'
import type { VerdictStore } from './verdict-store.js'
import type { WrittenRecord } from './written-record.js'
import { writeRecord } from './written-record.js'

/** Limits of the ledger's schema of `security.verdict`. */
const MAX_LEDGER_RULES = 1000
const MAX_LEDGER_TRUNCATED = 32
/** How long a loss keeps the gateway from being called ready. */
const PROBLEM_MS = 30_000
/** Events on their way to the outbox; beyond it they are counted as lost, like in a full outbox. */
const MAX_PENDING_EVENTS = 10_000
/** Records wait at most this long for the ones behind them, and so many at most: a transaction and a sync cost what a dozen records do. */
const GATHER_MS = 25
const MAX_GATHERED = 256

export interface RecorderOptions {
  /** Undefined writes none. */
  readonly auditFile: string | undefined
  readonly store: VerdictStore
  readonly events: Topic
  readonly ledger: LedgerRecorder
  readonly clock: Clock
  readonly meter: GatewayMeter
  readonly log: Logger
}

/**
 * Keeps what the data planes decided: the record in the verdict store; then, once that is durable, a line in the audit log,
 * an action in the ledger, an event for the other roles. It is called after the client has its answer and makes nobody wait;
 * what cannot be kept is counted, logged, and makes the gateway not ready.
 *
 * The store is the journal of the others. How far the ledger has come in it is marked with the ledger's own batches, so that
 * what stands in the audit log is in the ledger, as an entry or in a summary and not twice, however the process ended.
 */
export class Recorder implements ThreadSink {
  readonly #options: RecorderOptions
  readonly #repeated: RepeatedLog
  readonly #events: VerdictEvents
  readonly #problems = new Map<RecordLoss, { until: number; message: string }>()
  #audit: AuditLog | undefined
  #gathered: WrittenRecord[] = []
  #timer: NodeJS.Timeout | undefined
  /** Batches are told of in the order in which they came, so the last one is the last to settle. */
  #lastBatch: Promise<void> = Promise.resolve()
  #pendingEvents = 0
  /** Appends keep their order. */
  #lastEvent: Promise<unknown> = Promise.resolve()

  private constructor(options: RecorderOptions) {
    this.#options = options
    this.#repeated = new RepeatedLog(options.log)
    this.#events = new VerdictEvents(
      (event) => this.#publish(event),
      (count) => this.#lost('event', 'too many different verdicts in one second', count),
    )
  }

  /**
   * Opens the audit log, and records in the ledger what a process that ended in a hurry had stored only. Rejects with
   * `GATEWAY_AUDIT_LOG` when the log cannot be opened, so that a wrong path shows at start.
   */
  static async open(options: RecorderOptions): Promise<Recorder> {
    const recorder = new Recorder(options)
    const { auditFile } = options
    if (auditFile !== undefined)
      recorder.#audit = await AuditLog.open(auditFile, {
        onFailure: (error) => options.log.error({ code: codeOf(error) }, auditFailure(auditFile, error)),
        onRecovery: () => options.log.info(`the audit log ${auditFile} is written again`),
        onLost: (lines) => recorder.#lost('audit_log', `${auditFile} cannot be written`, lines),
      }).catch((error: unknown) => {
        throw new GatewayError('GATEWAY_AUDIT_LOG', auditFailure(auditFile, error), { cause: error })
      })
    recorder.#catchUp()
    return recorder
  }

  verdict(written: WrittenRecord): void {
    this.#gathered.push(written)
    if (this.#gathered.length >= MAX_GATHERED) this.#keep()
    else this.#timer ??= setTimeout(() => this.#keep(), GATHER_MS)
  }

  malformed(report: MalformedReport): void {
    const time = this.#options.clock.now()
    this.#publish({
      id: uuidv7(time),
      time,
      severity: 'low',
      type: 'malformed_request',
      data: {
        client: report.client,
        reason: report.reason,
        listener: report.listener,
        count: report.count,
      },
    })
  }

  lost(count: number): void {
    this.#lost('handover', 'a serving thread makes them faster than they are taken from it', count)
  }

  /** Takes the audit log's file anew, after rotation. */
  reopen(): void {
    this.#audit?.reopen()
  }

  /** Why records are not kept as they should be; undefined when they are. */
  problem(): string | undefined {
    if (this.#audit?.healthy === false) return `the audit log ${this.#audit.path} cannot be written`
    const now = this.#options.clock.now()
    for (const { until, message } of this.#problems.values()) if (until > now) return message
    return undefined
  }

  /** Resolves when everything recorded so far is on disk. */
  async flush(): Promise<void> {
    this.#keep()
    await this.#lastBatch
    this.#events.flush()
    await Promise.all([this.#audit?.flush(), this.#options.ledger.flush(), this.#lastEvent])
  }

  /** Keeps what is on its way, then closes the audit log and the store. The outbox and the ledger client stay open. */
  async close(): Promise<void> {
    await this.flush()
    await this.#audit?.close()
    const { store } = this.#options
    await store
      .mark(this.#accounted())
      .catch((error: unknown) => this.#lost('verdict_store', messageOf(error), 0))
    await store.close()
    this.#repeated.flush()
  }

  /** Stores what was gathered and tells of it when it is stored, or cannot be. */
  #keep(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const batch = this.#gathered
    if (batch.length === 0) return
    this.#gathered = []
    const { first, commitments, stored } = this.#options.store.append(batch, this.#accounted())
    const settled = stored.catch((error: unknown) =>
      this.#lost('verdict_store', messageOf(error), batch.length),
    )
    this.#lastBatch = this.#lastBatch
      .then(() => settled)
      .then(() => this.#tell(batch, first, commitments))
      // Whatever it is, the batches behind it are told of.
      .catch((error: unknown) => this.#lost('audit_log', messageOf(error), batch.length))
  }

  #tell(batch: readonly WrittenRecord[], first: number, commitments: readonly Commitment[]): void {
    for (const [index, written] of batch.entries()) {
      this.#audit?.write(written.line)
      const commitment = commitments[index]
      if (commitment === undefined) continue
      const entry = this.#toLedger(written, first + index, commitment)
      if (written.verdict.action !== 'allow' && !this.#events.add(written, entry))
        this.#options.meter.summarised('event')
    }
  }

  /** How far the ledger has come in the store. The store knows it too, in case the outbox was taken away. */
  #accounted(): number {
    return Math.max(this.#options.ledger.position, this.#options.store.marked)
  }

  /** What was stored and not yet marked in the ledger's outbox is recorded now. */
  #catchUp(): void {
    const { store, log } = this.#options
    const { last } = store
    const position = this.#accounted()
    store.resume(position)
    let found = 0
    for (const { number, record, commitment } of store.after(position)) {
      found++
      this.#toLedger(writeRecord(record, Date.parse(record.time)), number, commitment)
    }
    if (found > 0)
      log.warn({ records: found }, 'the ledger records what was kept before the last end, and not recorded')
    // They were removed for room, or never got to disk.
    const missing = last - position - found
    if (missing > 0)
      this.#lost('ledger', 'they were gone from the store before the ledger took them', missing)
  }

  #toLedger(written: WrittenRecord, position: number, { alg, hash }: Commitment): string | undefined {
    const { action, mode, phase, rule, status, score, truncated } = written.verdict
    const verdict: { [key: string]: ActionValue } = {
      action,
      mode,
      status,
      score: Math.trunc(score),
      truncated:
        truncated.length > MAX_LEDGER_TRUNCATED ? truncated.slice(0, MAX_LEDGER_TRUNCATED) : truncated,
    }
    if (phase !== null) verdict['phase'] = phase
    if (rule !== null) verdict['rule'] = rule
    try {
      const entry = this.#options.ledger.record(
        {
          id: written.id,
          kind: 'security.verdict',
          ts: written.time,
          members: {
            verdict,
            rules:
              written.rules.length > MAX_LEDGER_RULES
                ? written.rules.slice(0, MAX_LEDGER_RULES)
                : written.rules,
            record: { alg, hash },
            site: written.site,
          },
        },
        position,
      )
      if (entry === undefined) this.#options.meter.summarised('ledger')
      return entry
    } catch (error) {
      this.#lost('ledger', messageOf(error))
      return undefined
    }
  }

  #publish(event: Event): void {
    if (this.#pendingEvents >= MAX_PENDING_EVENTS) {
      this.#lost('event', `${this.#pendingEvents} events wait for the outbox already`)
      return
    }
    this.#pendingEvents++
    const appended = this.#options.events.append(Buffer.from(JSON.stringify(event))).then(
      () => {
        this.#pendingEvents--
      },
      (error: unknown) => {
        this.#pendingEvents--
        this.#lost('event', messageOf(error))
      },
    )
    this.#lastEvent = appended
  }

  #lost(kind: RecordLoss, message: string, count = 1): void {
    this.#options.meter.lost(kind, count)
    this.#problems.set(kind, {
      until: this.#options.clock.now() + PROBLEM_MS,
      message: `records are lost (${kind}): ${message}`,
    })
    this.#repeated.warn(kind, { kind, count }, `a record was lost (${kind}): ${message}`)
  }
}
