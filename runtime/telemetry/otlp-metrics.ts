import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http'
import { PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import type { MetricProducer } from '@opentelemetry/sdk-metrics'

import { signalUrl } from './otlp-traces.js'
import type { OtlpOptions } from './otlp-traces.js'

/** Sends all metrics over OTLP/HTTP at an interval. Loaded only when a receiver is configured. */
export const otlpMetrics = (
  { endpoint, headers, timeoutMs }: OtlpOptions,
  intervalMs: number,
  histograms: MetricProducer,
): PeriodicExportingMetricReader =>
  new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter({
      url: signalUrl(endpoint, 'metrics'),
      headers: { ...headers },
      timeoutMillis: timeoutMs,
    }),
    metricProducers: [histograms],
    exportIntervalMillis: intervalMs,
    exportTimeoutMillis: Math.min(timeoutMs, intervalMs),
  })
