import type { Severity, Event } from '../runtime/events.js'
import { codeOf, messageOf } from '../runtime/errors.js'
import type { Logger } from '../runtime/log.js'
import type { Topic } from '../runtime/outbox.js'
import { uuidv7 } from '../runtime/uuid.js'
import type { ActionValue, LedgerRecorder } from '../ledger/client/types.js'
import type { Clock } from '../detectors/ports.js'
import { AuditLog, auditFailure } from './audit-log.js'
import { GatewayError } from './errors.js'
import type { RecordSink } from './data-plane.js'
import type { MalformedReport } from './malformed-reports.js'
import type { GatewayMeter, RecordLoss } from './meter.js'
import { RepeatedLog } from './repeated-log.js'
import type { VerdictRecord } from './verdict-record.js'
import { auditLine } from './verdict-record.js'
import type { Commitment, VerdictStore } from './verdict-store.js'

/** Limits of the ledger's schema of `security.verdict`. */
const MAX_LEDGER_RULES = 1000
const MAX_LEDGER_TRUNCATED = 32
/** How long a loss keeps the gateway from being called ready. */
const PROBLEM_MS = 30_000
/** Events on their way to the outbox; beyond it they are counted as lost, like in a full outbox. */
const MAX_PENDING_EVENTS = 10_000

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

/** SecLang severities: 0 emergency, 1 alert, 2 critical, 3 error, 4 warning, 5 notice, 6 info, 7 debug. */
const severityOf = (record: VerdictRecord): Severity => {
  const deciding = record.rules.find((rule) => rule.id === record.verdict.rule)?.severity
  const severity = deciding ?? Math.min(...record.rules.map((rule) => rule.severity ?? 4))
  if (severity <= 1) return 'critical'
  if (severity === 2) return 'high'
  if (severity === 3) return 'medium'
  return severity === Infinity || severity === 4 ? 'low' : 'info'
}

/**
 * Keeps what the data planes decided: a line in the audit log, the record in the verdict store, an action in the ledger,
 * an event for the other roles. It is called after the client has its answer and makes nobody wait; what cannot be kept is
 * counted, logged, and makes the gateway not ready.
 */
export class Recorder implements RecordSink {
  readonly #options: RecorderOptions
  readonly #repeated: RepeatedLog
  readonly #problems = new Map<RecordLoss, { until: number; message: string }>()
  #audit: AuditLog | undefined
  #pendingEvents = 0
  /** Appends keep their order, so the last one is the last to settle. */
  #lastEvent: Promise<unknown> = Promise.resolve()

  private constructor(options: RecorderOptions) {
    this.#options = options
    this.#repeated = new RepeatedLog(options.log)
  }

  /** Opens the audit log. Rejects with `GATEWAY_AUDIT_LOG` when that is impossible, so that a wrong path shows at start. */
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
    return recorder
  }

  verdict(record: VerdictRecord): void {
    this.#audit?.write(auditLine(record))
    const { commitment, stored } = this.#options.store.put(record)
    stored.catch((error: unknown) => this.#lost('verdict_store', messageOf(error)))
    const time = Date.parse(record.time)
    const entry = this.#toLedger(record, time, commitment)
    if (record.verdict.action !== 'allow') this.#publish(verdictEvent(record, time, entry))
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
    await Promise.all([
      this.#audit?.flush(),
      this.#options.store.flush(),
      this.#options.ledger.flush(),
      this.#lastEvent,
    ])
  }

  /** Keeps what is on its way, then closes the audit log and the store. The outbox and the ledger client stay open. */
  async close(): Promise<void> {
    await this.flush()
    await this.#audit?.close()
    await this.#options.store.close()
    this.#repeated.flush()
  }

  #toLedger(record: VerdictRecord, time: number, { alg, hash }: Commitment): string | undefined {
    const { action, mode, phase, rule, status, score, truncated } = record.verdict
    const verdict: { [key: string]: ActionValue } = {
      action,
      mode,
      status,
      score: Math.trunc(score),
      truncated: truncated.slice(0, MAX_LEDGER_TRUNCATED),
    }
    if (phase !== null) verdict['phase'] = phase
    if (rule !== null) verdict['rule'] = rule
    try {
      return this.#options.ledger.record({
        id: record.request_id,
        kind: 'security.verdict',
        ts: time,
        members: {
          verdict,
          rules: record.rules.slice(0, MAX_LEDGER_RULES).map(({ id }) => id),
          record: { alg, hash },
          site: record.site,
        },
      })
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

const verdictEvent = (record: VerdictRecord, time: number, entry: string | undefined): Event => {
  const { verdict, request } = record
  const deciding = record.rules.find((rule) => rule.id === verdict.rule) ?? record.rules[0]
  return {
    id: uuidv7(time),
    time,
    severity: severityOf(record),
    ...(entry === undefined ? {} : { entry }),
    type: 'security.verdict',
    data: {
      request_id: record.request_id,
      site: record.site,
      client: record.client,
      method: request.method,
      host: request.host,
      path: request.uri.replace(/[?#].*$/s, ''),
      action: verdict.action,
      mode: verdict.mode,
      phase: verdict.phase ?? '',
      ...(verdict.rule === null ? {} : { rule: verdict.rule }),
      msg: deciding?.msg ?? record.reason,
      ...(deciding === undefined ? {} : { variable: deciding.variable, sample: deciding.sample }),
      status: verdict.status,
      score: verdict.score,
      rules: record.rules.map(({ id }) => id),
    },
  }
}
