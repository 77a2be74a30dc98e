import type { Span } from '../verdict.js'

/** One named value of a request: a query parameter, a form field, a cookie. Both are byte strings. */
export interface NamedValue {
  readonly name: string
  readonly value: string
}

/** Where the name and the value of a pair stand in the text that it was read from, as sent. */
export interface PairPlace {
  readonly name: Span
  readonly value: Span
}
