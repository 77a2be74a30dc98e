/** One named value of a request: a query parameter, a form field, a cookie. Both are byte strings. */
export interface NamedValue {
  readonly name: string
  readonly value: string
}
