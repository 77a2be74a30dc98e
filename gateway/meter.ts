import type { InspectionResult } from '../detectors/inspection.js'
import type { Verdict } from '../detectors/verdict.js'
import { PHASE_NAMES } from '../detectors/verdict.js'
import type { Telemetry } from '../runtime/telemetry/telemetry.js'
import { phaseTimings } from '../runtime/telemetry/tracer.js'
import type { Transaction } from './transaction.js'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
const STATUS_CLASSES = ['none', '1xx', '2xx', '3xx', '4xx', '5xx']
const ACTIONS = ['allow', 'block', 'challenge', 'redirect', 'drop', 'mask', 'log']
const MODES = ['block', 'detect', 'off']
const PHASES = ['none', 'request', 'malformed', ...PHASE_NAMES]
/** What can be lost when a disk is slow or full; each is counted and logged. */
export type RecordLoss = 'audit_log' | 'verdict_store' | 'event' | 'ledger' | 'handover'
const LOSSES: readonly RecordLoss[] = ['audit_log', 'verdict_store', 'event', 'ledger', 'handover']

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** A status has three digits, or is 0. */
const classOf = (status: number): string | undefined => STATUS_CLASSES[Math.floor(status / 100)]

/**
 * What the gateway counts. Labels hold words of a fixed vocabulary only, so traffic cannot make series; names and labels
 * are the words of the audit log.
 */
export class GatewayMeter {
  readonly telemetry: Telemetry
  readonly #duration
  readonly #verdicts
  readonly #wouldBlock
  readonly #upstreamFailures
  readonly #malformed
  readonly #lost
  readonly #summarised

  constructor(telemetry: Telemetry) {
    this.telemetry = telemetry
    const { metrics } = telemetry
    this.#duration = metrics.histogram('http.server.request.duration', {
      description: 'Time from the head of a request to the end of its response.',
      unit: 's',
      labels: { method: METHODS, status: STATUS_CLASSES },
      buckets: SECONDS,
    })
    this.#verdicts = metrics.counter('portcullis.verdicts', {
      description: 'Transactions by verdict.',
      labels: { phase: PHASES, action: ACTIONS, mode: MODES },
    })
    this.#wouldBlock = metrics.counter('portcullis.would_block', {
      description: 'Transactions that passed in mode detect and would be refused in mode block.',
      labels: { phase: PHASES },
    })
    this.#upstreamFailures = metrics.counter('portcullis.upstream.failures', {
      description: 'Requests that the upstream did not answer, by the status that the client got.',
      labels: { status: ['502', '503', '504'] },
    })
    this.#malformed = metrics.counter('portcullis.malformed_requests', {
      description: 'Connections whose bytes never became a request.',
      labels: {},
    })
    this.#lost = metrics.counter('portcullis.records.lost', {
      description: 'Records of verdicts that could not be kept, by what failed.',
      labels: { kind: LOSSES },
    })
    this.#summarised = metrics.counter('portcullis.records.summarised', {
      description: 'Verdicts that came too fast to be told one by one and are counted in summaries instead.',
      labels: { kind: ['ledger', 'event'] },
    })
  }

  upstreamFailed(status: number): void {
    this.#upstreamFailures({ status: String(status) })
  }

  malformed(count: number): void {
    this.#malformed({}, count)
  }

  lost(kind: RecordLoss, count = 1): void {
    this.#lost({ kind }, count)
  }

  summarised(kind: 'ledger' | 'event'): void {
    this.#summarised({ kind })
  }

  /** @param status what the client got; 0 when it got nothing */
  finished(transaction: Transaction, verdict: Verdict, result: InspectionResult, status: number): void {
    const elapsedMs = performance.now() - transaction.startedMono
    const phase = verdict.phase ?? 'none'
    this.#duration(elapsedMs / 1000, { method: transaction.method, status: classOf(status) })
    this.#verdicts({ phase, action: verdict.action, mode: verdict.mode })
    if (verdict.would !== undefined) this.#wouldBlock({ phase })
    const { tracer } = this.telemetry
    const allowed = verdict.action === 'allow'
    if (!tracer.wants(transaction.trace, allowed)) return
    tracer.finish(transaction.trace, {
      name: METHODS.includes(transaction.method) ? transaction.method : 'HTTP',
      startMs: transaction.startedAt,
      endMs: transaction.startedAt + elapsedMs,
      allowed,
      failed: status >= 500,
      attributes: {
        'http.request.method': transaction.method,
        'http.response.status_code': status,
        'server.address': transaction.authority,
        'portcullis.request_id': transaction.requestId,
        'portcullis.site': transaction.site.name,
        'portcullis.action': verdict.action,
        'portcullis.mode': verdict.mode,
        'portcullis.phase': phase,
        ...(verdict.rule === undefined ? {} : { 'portcullis.rule': verdict.rule }),
      },
      children: phaseTimings(transaction.startedAt, result.timings),
    })
  }
}
