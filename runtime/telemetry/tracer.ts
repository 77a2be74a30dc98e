import type { Attributes } from '@opentelemetry/api'

import { startTrace } from './trace-context.js'
import type { Trace } from './trace-context.js'

/** A part of a transaction that did work. */
export interface SpanTiming {
  readonly name: string
  /** Milliseconds since the Unix epoch, with fractions. */
  readonly startMs: number
  readonly durationMs: number
  readonly attributes?: Attributes
}

/** A transaction that is over, from timings that were taken anyway. */
export interface FinishedTransaction {
  /** Low cardinality: method and route or site, never a path. */
  readonly name: string
  /** Milliseconds since the Unix epoch, with fractions. */
  readonly startMs: number
  readonly endMs: number
  /** True for a plain allow, which gets a span only when it is sampled. */
  readonly allowed: boolean
  /** Whether the transaction failed on our side. */
  readonly failed?: boolean
  readonly attributes?: Attributes
  readonly children?: readonly SpanTiming[]
}

/** Writes spans somewhere; `otlp-traces.ts` is the one. */
export interface SpanWriter {
  write(trace: Trace, transaction: FinishedTransaction): void
}

/**
 * Tracing that costs nothing when nobody listens: at the start of a transaction there is only arithmetic on ids, and span
 * objects are made once it is over, for the sampled ones and for all that were not plainly allowed.
 */
export class TransactionTracer {
  constructor(
    readonly ratio: number | undefined,
    readonly writer: SpanWriter | undefined,
  ) {}

  /** Whether spans go anywhere at all. */
  get listening(): boolean {
    return this.writer !== undefined
  }

  start(traceparent?: string): Trace {
    return startTrace(traceparent, this.ratio)
  }

  /** Whether `finish` would write a span: ask before collecting attributes. */
  wants(trace: Trace, allowed: boolean): boolean {
    return this.writer !== undefined && (trace.sampled || !allowed)
  }

  finish(trace: Trace, transaction: FinishedTransaction): void {
    if (this.wants(trace, transaction.allowed)) this.writer?.write(trace, transaction)
  }
}

/** Timings of phases, given as durations in running order, laid end to end from the start of the transaction. */
export const phaseTimings = (
  startMs: number,
  phases: readonly (readonly [phase: string, nanoseconds: number])[],
): SpanTiming[] => {
  let at = startMs
  return phases.map(([phase, nanoseconds]) => {
    const durationMs = nanoseconds / 1e6
    const timing = {
      name: `phase ${phase}`,
      startMs: at,
      durationMs,
      attributes: { 'portcullis.phase': phase },
    }
    at += durationMs
    return timing
  })
}
