/** One value that a rule may judge, under its key inside a collection (empty for a scalar). Byte strings. */
export interface Entry {
  readonly key: string
  readonly value: string
  /** What of the request it was taken from, when it is not that itself: its place is looked up by this. */
  readonly of?: object
}

export const NO_ENTRIES: readonly Entry[] = []

export function scalar(value: string): readonly Entry[] {
  return [{ key: '', value }]
}
