import type { Attributes } from '@opentelemetry/api'

/** What a label's value becomes when it is not one of those known. */
export const OTHER = 'other'
const MAX_SERIES = 10_000

/** The values that each label may take; all others fold into `other`. */
export type LabelValues<Label extends string> = { readonly [name in Label]: readonly string[] }

export type Labels<Label extends string> = { readonly [name in Label]: string | undefined }

interface KnownLabel<Label extends string> {
  readonly name: Label
  /** Places of the known values, from 1 on; 0 is `other`. */
  readonly places: ReadonlyMap<string | undefined, number>
}

/**
 * What a metric keeps for each set of label values. The number of sets is bounded by the known values, so hostile traffic cannot
 * make series; each set is made once, and found by arithmetic on the places of its values.
 */
export class Series<Label extends string, State> {
  readonly #labels: readonly KnownLabel<Label>[]
  readonly #make: (attributes: Attributes) => State
  readonly #states = new Map<number, State>()

  /** @param make what is kept for a set that is met for the first time */
  constructor(metric: string, labels: LabelValues<Label>, make: (attributes: Attributes) => State) {
    this.#make = make
    this.#labels = Object.entries<readonly string[]>(labels).map(([name, values]) => ({
      name: name as Label,
      places: new Map([OTHER, ...values].map((value, place) => [value, value === OTHER ? 0 : place])),
    }))
    const count = this.#labels.reduce((product, { places }) => product * places.size, 1)
    if (count > MAX_SERIES)
      throw new RangeError(`metric ${metric} could have ${count} series, more than ${MAX_SERIES}`)
  }

  of(labels: Labels<Label>): State {
    let set = 0
    for (const { name, places } of this.#labels)
      set = set * (places.size + 1) + (places.get(labels[name]) ?? 0)
    const known = this.#states.get(set)
    if (known !== undefined) return known
    const made = this.#make(this.#attributes(labels))
    this.#states.set(set, made)
    return made
  }

  states(): Iterable<State> {
    return this.#states.values()
  }

  #attributes(labels: Labels<Label>): Attributes {
    const attributes: Attributes = {}
    for (const { name, places } of this.#labels) {
      const value = labels[name]
      attributes[name] = value !== undefined && places.has(value) ? value : OTHER
    }
    return attributes
  }
}
