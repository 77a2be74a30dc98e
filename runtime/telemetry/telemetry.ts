import { diag, DiagLogLevel } from '@opentelemetry/api'
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import type { IMetricReader } from '@opentelemetry/sdk-metrics'
import { ATTR_SERVICE_NAME, ATTR_SERVICE_VERSION } from '@opentelemetry/semantic-conventions'

import type { TelemetryConfig } from '../config-sections.js'
import { messageOf } from '../errors.js'
import type { Logger } from '../log.js'
import { Histograms } from './histograms.js'
import { Metrics } from './metrics.js'
import type { OtlpTraces } from './otlp-traces.js'
import { processMetrics } from './process-metrics.js'
import { TransactionTracer } from './tracer.js'

export interface TelemetryOptions {
  /** Becomes the label `role` of every metric. */
  readonly role: string
  /** Set in each thread of a role with several; becomes the label `thread`. */
  readonly thread?: number
  readonly version: string
  readonly config: TelemetryConfig
  readonly log: Logger
}

export interface Telemetry {
  readonly metrics: Metrics
  readonly tracer: TransactionTracer
  /** All metrics in Prometheus' text format 0.0.4. */
  expose(): Promise<string>
  /** Sends what waits to the receiver, if there is one, and ends. */
  shutdown(): Promise<void>
}

const ROLE_LABELS = /^(?:role|thread)$/

/**
 * Telemetry of one process or thread. Without a receiver only metrics are kept, which are numbers in memory until somebody
 * asks for them; the exporters are not even loaded.
 */
export const startTelemetry = async (options: TelemetryOptions): Promise<Telemetry> => {
  const { role, thread, version, config, log } = options
  const resource = resourceFromAttributes({
    [ATTR_SERVICE_NAME]: 'portcullis',
    [ATTR_SERVICE_VERSION]: version,
    role,
    ...(thread !== undefined && { thread: String(thread) }),
  })
  reportTo(log)

  const histograms = new Histograms(resource, { name: 'portcullis', version })
  const reader = new PrometheusExporter({ preventServerStart: true, metricProducers: [histograms] })
  const readers: IMetricReader[] = [reader]
  const otlp = config.otlp && {
    endpoint: config.otlp.endpoint,
    headers: config.otlp.headers,
    timeoutMs: config.otlp.timeout_seconds * 1000,
  }
  let traces: OtlpTraces | undefined
  if (otlp && config.otlp) {
    const { otlpMetrics } = await import('./otlp-metrics.js')
    const exporter = await import('./otlp-traces.js')
    readers.push(otlpMetrics(otlp, config.otlp.interval_seconds * 1000, histograms))
    traces = new exporter.OtlpTraces(resource, otlp)
  }
  const provider = new MeterProvider({ resource, readers })
  const metrics = new Metrics(provider.getMeter('portcullis', version), histograms)
  processMetrics(metrics)
  const serializer = new PrometheusSerializer('', false, ROLE_LABELS, true, true)

  return {
    metrics,
    tracer: new TransactionTracer(traces && config.trace_ratio, traces),
    async expose() {
      const { resourceMetrics, errors } = await reader.collect()
      for (const error of errors) log.error({ err: messageOf(error) }, 'a metric could not be collected')
      return serializer.serialize(resourceMetrics)
    },
    async shutdown() {
      const ended = await Promise.allSettled([provider.shutdown(), traces?.shutdown()])
      for (const result of ended)
        if (result.status === 'rejected')
          log.warn({ err: messageOf(result.reason) }, 'telemetry could not be sent before the end')
    },
  }
}

/** The SDK reports failed exports and dropped spans through its own channel, which is one per process. */
const reportTo = (log: Logger): void => {
  const write =
    (level: 'error' | 'warn' | 'debug') =>
    (message: string, ...details: unknown[]): void => {
      log[level]({ details: details.map(messageOf) }, `telemetry: ${message}`)
    }
  diag.setLogger(
    {
      error: write('error'),
      warn: write('warn'),
      info: write('debug'),
      debug: write('debug'),
      verbose: write('debug'),
    },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  )
}
