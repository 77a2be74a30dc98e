import { ValueType } from '@opentelemetry/api'
import type { Attributes, Meter } from '@opentelemetry/api'

import type { Histograms } from './histograms.js'
import type { LabelValues, Labels } from './series.js'
import { Series } from './series.js'

export interface InstrumentOptions<Label extends string> {
  readonly description: string
  /** UCUM, as OpenTelemetry wants it: `s`, `By`, `{request}`. */
  readonly unit?: string
  readonly labels: LabelValues<Label>
}

/** Instruments with bounded labels. Names follow OpenTelemetry's conventions where there is one: `http.server.requests`. */
export class Metrics {
  constructor(
    readonly meter: Meter,
    readonly histograms: Histograms,
  ) {}

  /**
   * A sum that only grows. Adding is one addition in memory; OpenTelemetry sees it when somebody collects.
   */
  counter<Label extends string>(
    name: string,
    { labels, description, unit }: InstrumentOptions<Label>,
  ): (labels: Labels<Label>, amount?: number) => void {
    const series = new Series(name, labels, (attributes: Attributes) => ({ attributes, value: 0 }))
    this.meter
      .createObservableCounter(name, { description, ...(unit !== undefined && { unit }) })
      .addCallback((result) => {
        for (const { attributes, value } of series.states()) result.observe(value, attributes)
      })
    return (values, amount = 1) => {
      series.of(values).value += amount
    }
  }

  /** A distribution. @param buckets upper bounds, each inclusive, ascending, in the unit */
  histogram<Label extends string>(
    name: string,
    {
      labels,
      description,
      unit = '',
      buckets,
    }: InstrumentOptions<Label> & { readonly buckets: readonly number[] },
  ): (value: number, labels: Labels<Label>) => void {
    return this.histograms.add({ name, description, unit }, labels, buckets)
  }

  /** A value that is read when somebody collects; undefined is left out. */
  gauge(
    name: string,
    { description, unit }: { readonly description: string; readonly unit?: string },
    read: () => number | undefined,
  ): void {
    this.meter
      .createObservableGauge(name, {
        description,
        valueType: ValueType.DOUBLE,
        ...(unit !== undefined && { unit }),
      })
      .addCallback((result) => {
        const value = read()
        if (value !== undefined) result.observe(value)
      })
  }
}
