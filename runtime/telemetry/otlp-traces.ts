import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace as traceApi, TraceFlags } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import type { Resource } from '@opentelemetry/resources'
import {
  AlwaysOnSampler,
  BasicTracerProvider,
  BatchSpanProcessor,
  RandomIdGenerator,
} from '@opentelemetry/sdk-trace-node'

import type { Trace } from './trace-context.js'
import type { FinishedTransaction, SpanWriter } from './tracer.js'

export interface OtlpOptions {
  readonly endpoint: string
  readonly headers: Readonly<Record<string, string>>
  readonly timeoutMs: number
}

/** `https://host/base` and a signal's path, whether or not the base ends in a slash. */
export const signalUrl = (endpoint: string, signal: 'traces' | 'metrics'): string =>
  `${endpoint.replace(/\/$/, '')}/v1/${signal}`

/** Spans of finished transactions, sent in batches over OTLP/HTTP. Loaded only when a receiver is configured. */
export class OtlpTraces implements SpanWriter {
  readonly #ids = new RandomIdGenerator()
  readonly #provider: BasicTracerProvider
  /** The ids that the next root span has to take; the provider asks for them inside `startSpan`. */
  #next: Trace | undefined

  constructor(resource: Resource, { endpoint, headers, timeoutMs }: OtlpOptions) {
    const exporter = new OTLPTraceExporter({
      url: signalUrl(endpoint, 'traces'),
      headers: { ...headers },
      timeoutMillis: timeoutMs,
    })
    this.#provider = new BasicTracerProvider({
      resource,
      sampler: new AlwaysOnSampler(),
      idGenerator: {
        generateTraceId: () => this.#next?.traceId ?? this.#ids.generateTraceId(),
        generateSpanId: () => this.#next?.spanId ?? this.#ids.generateSpanId(),
      },
      spanProcessors: [new BatchSpanProcessor(exporter, { exportTimeoutMillis: timeoutMs })],
    })
  }

  write(trace: Trace, transaction: FinishedTransaction): void {
    const tracer = this.#provider.getTracer('portcullis')
    const parent =
      trace.parentSpanId === undefined
        ? ROOT_CONTEXT
        : traceApi.setSpanContext(ROOT_CONTEXT, {
            traceId: trace.traceId,
            spanId: trace.parentSpanId,
            traceFlags: TraceFlags.SAMPLED,
            isRemote: true,
          })
    this.#next = trace
    const span = tracer.startSpan(
      transaction.name,
      {
        kind: SpanKind.SERVER,
        startTime: transaction.startMs,
        attributes: transaction.attributes ?? {},
      },
      parent,
    )
    this.#next = undefined
    const inside = traceApi.setSpan(ROOT_CONTEXT, span)
    for (const { name, startMs, durationMs, attributes } of transaction.children ?? [])
      tracer
        .startSpan(
          name,
          { kind: SpanKind.INTERNAL, startTime: startMs, attributes: attributes ?? {} },
          inside,
        )
        .end(startMs + durationMs)
    if (transaction.failed) span.setStatus({ code: SpanStatusCode.ERROR })
    span.end(transaction.endMs)
  }

  /** Sends what waits and ends. */
  async shutdown(): Promise<void> {
    await this.#provider.shutdown()
  }
}
