import type { Attributes, HrTime } from '@opentelemetry/api'
import { ValueType } from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import { AggregationTemporality, DataPointType } from '@opentelemetry/sdk-metrics'
import type {
  CollectionResult,
  DataPoint,
  Histogram,
  HistogramMetricData,
  MetricDescriptor,
  MetricProducer,
} from '@opentelemetry/sdk-metrics'

import type { LabelValues, Labels } from './series.js'
import { Series } from './series.js'

/** The distribution of the values of one set of labels. */
interface Distribution {
  readonly attributes: Attributes
  readonly startTime: HrTime
  /** One more than there are bounds. */
  readonly counts: number[]
  sum: number
  min: number
  max: number
}

const now = (): HrTime => {
  const milliseconds = Date.now()
  return [Math.floor(milliseconds / 1000), (milliseconds % 1000) * 1e6]
}

/**
 * Histograms that are arrays of our own until somebody collects: those of OpenTelemetry find the place of each value by a hash
 * over its attributes, written as JSON each time. Always cumulative.
 */
export class Histograms implements MetricProducer {
  readonly #resource: Resource
  readonly #scope: { readonly name: string; readonly version: string }
  readonly #collect: (() => HistogramMetricData)[] = []

  constructor(resource: Resource, scope: { readonly name: string; readonly version: string }) {
    this.#resource = resource
    this.#scope = scope
  }

  /** @param bounds upper bounds of the buckets, each inclusive, ascending */
  add<Label extends string>(
    metric: Pick<MetricDescriptor, 'name' | 'description' | 'unit'>,
    labels: LabelValues<Label>,
    bounds: readonly number[],
  ): (value: number, labels: Labels<Label>) => void {
    const series = new Series<Label, Distribution>(metric.name, labels, (attributes) => ({
      attributes,
      startTime: now(),
      counts: Array.from({ length: bounds.length + 1 }, () => 0),
      sum: 0,
      min: Infinity,
      max: -Infinity,
    }))
    const descriptor: MetricDescriptor = { ...metric, valueType: ValueType.DOUBLE }
    this.#collect.push(() => {
      const endTime = now()
      return {
        descriptor,
        aggregationTemporality: AggregationTemporality.CUMULATIVE,
        dataPointType: DataPointType.HISTOGRAM,
        dataPoints: Array.from(series.states(), (state) => dataPoint(state, bounds, endTime)),
      }
    })
    return (value, values) => record(series.of(values), bounds, value)
  }

  collect(): Promise<CollectionResult> {
    // Those without a value are left out, as OpenTelemetry leaves out its own.
    const metrics = this.#collect
      .map((collect) => collect())
      .filter(({ dataPoints }) => dataPoints.length > 0)
    const scopeMetrics = metrics.length === 0 ? [] : [{ scope: this.#scope, metrics }]
    return Promise.resolve({ resourceMetrics: { resource: this.#resource, scopeMetrics }, errors: [] })
  }
}

const record = (distribution: Distribution, bounds: readonly number[], value: number): void => {
  let bucket = 0
  while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket++
  const { counts } = distribution
  counts[bucket] = (counts[bucket] ?? 0) + 1
  distribution.sum += value
  if (value < distribution.min) distribution.min = value
  if (value > distribution.max) distribution.max = value
}

const dataPoint = (
  { attributes, startTime, counts, sum, min, max }: Distribution,
  bounds: readonly number[],
  endTime: HrTime,
): DataPoint<Histogram> => ({
  attributes,
  startTime,
  endTime,
  value: {
    buckets: { boundaries: [...bounds], counts: [...counts] },
    count: counts.reduce((total, count) => total + count, 0),
    sum,
    min,
    max,
  },
})
