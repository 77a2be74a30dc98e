import { ValueType } from '@opentelemetry/api'
import type { Attributes, Meter } from '@opentelemetry/api'

/** What a label's value becomes when it is not one of those known. */
export const OTHER = 'other'
const MAX_SERIES = 10_000

/** The values that each label may take; all others fold into `other`. */
export type LabelValues<Label extends string> = { readonly [name in Label]: readonly string[] }

export interface InstrumentOptions<Label extends string> {
  readonly description: string
  /** UCUM, as OpenTelemetry wants it: `s`, `By`, `{request}`. */
  readonly unit?: string
  readonly labels: LabelValues<Label>
}

export type Labels<Label extends string> = { readonly [name in Label]: string | undefined }

/**
 * Attribute sets by label values. The number of sets is bounded by the known values, so hostile traffic cannot make series;
 * each set is made once.
 */
class Series<Label extends string> {
  readonly #names: readonly Label[]
  readonly #known: readonly ReadonlySet<string>[]
  readonly #sets = new Map<string, { readonly attributes: Attributes; value: number }>()

  constructor(metric: string, labels: LabelValues<Label>) {
    const entries = Object.entries<readonly string[]>(labels)
    const count = entries.reduce((product, [, values]) => product * (values.length + 1), 1)
    if (count > MAX_SERIES)
      throw new RangeError(`metric ${metric} could have ${count} series, more than ${MAX_SERIES}`)
    this.#names = entries.map(([name]) => name as Label)
    this.#known = entries.map(([, values]) => new Set(values))
  }

  of(labels: Labels<Label>): { readonly attributes: Attributes; value: number } {
    let key = ''
    for (const [index, name] of this.#names.entries()) key += `${this.#bounded(index, labels[name])}\n`
    let set = this.#sets.get(key)
    if (!set) {
      const attributes: Attributes = {}
      for (const [index, name] of this.#names.entries()) attributes[name] = this.#bounded(index, labels[name])
      set = { attributes, value: 0 }
      this.#sets.set(key, set)
    }
    return set
  }

  values(): Iterable<{ readonly attributes: Attributes; readonly value: number }> {
    return this.#sets.values()
  }

  #bounded(index: number, value: string | undefined): string {
    return value !== undefined && this.#known[index]?.has(value) ? value : OTHER
  }
}

/** Instruments with bounded labels. Names follow OpenTelemetry's conventions where there is one: `http.server.requests`. */
export class Metrics {
  constructor(readonly meter: Meter) {}

  /**
   * A sum that only grows. Adding is one addition in memory; OpenTelemetry sees it when somebody collects.
   */
  counter<Label extends string>(
    name: string,
    { labels, description, unit }: InstrumentOptions<Label>,
  ): (labels: Labels<Label>, amount?: number) => void {
    const series = new Series(name, labels)
    this.meter
      .createObservableCounter(name, { description, ...(unit !== undefined && { unit }) })
      .addCallback((result) => {
        for (const { attributes, value } of series.values()) result.observe(value, attributes)
      })
    return (values, amount = 1) => {
      series.of(values).value += amount
    }
  }

  /** A distribution. @param buckets upper bounds, ascending, in the unit */
  histogram<Label extends string>(
    name: string,
    {
      labels,
      description,
      unit,
      buckets,
    }: InstrumentOptions<Label> & { readonly buckets: readonly number[] },
  ): (value: number, labels: Labels<Label>) => void {
    const series = new Series(name, labels)
    const instrument = this.meter.createHistogram(name, {
      description,
      ...(unit !== undefined && { unit }),
      advice: { explicitBucketBoundaries: [...buckets] },
    })
    return (value, values) => instrument.record(value, series.of(values).attributes)
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
