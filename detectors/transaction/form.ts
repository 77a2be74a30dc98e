import type { NamedValue, PairPlace } from './pairs.js'
import { percentDecode } from './percent.js'

export interface FormFields {
  readonly fields: readonly NamedValue[]
  /** An escape was broken. */
  readonly invalid: boolean
  /** More fields were there than `limit`; the rest was not read. */
  readonly limited: boolean
}

/**
 * Splits form-urlencoded text (a query string or a body) into decoded fields, in order, at most `limit` of them. A field without `=` has
 * an empty value; empty fields (`a&&b`) are left out.
 */
export function parseForm(text: string, limit: number, separator = '&'): FormFields {
  const fields: NamedValue[] = []
  let invalid = false
  let from = 0
  while (from <= text.length) {
    let to = text.indexOf(separator, from)
    if (to < 0) to = text.length
    if (to > from) {
      if (fields.length >= limit) return { fields, invalid, limited: true }
      const field = text.slice(from, to)
      const equals = field.indexOf('=')
      const name = percentDecode(equals < 0 ? field : field.slice(0, equals))
      const value = percentDecode(equals < 0 ? '' : field.slice(equals + 1))
      invalid ||= name.invalid || value.invalid
      fields.push({ name: name.text, value: value.text })
    }
    from = to + separator.length
  }
  return { fields, invalid, limited: false }
}

/** Where the fields stand that `parseForm` gives for the same text, in the same order. */
export function placesOfForm(text: string, limit: number, separator = '&'): PairPlace[] {
  const places: PairPlace[] = []
  let from = 0
  while (from <= text.length && places.length < limit) {
    let to = text.indexOf(separator, from)
    if (to < 0) to = text.length
    if (to > from) {
      // Searched for in the field only: a text without any must not be searched to its end for each field.
      const equals = text.slice(from, to).indexOf('=')
      const end = equals < 0 ? to : from + equals
      const value = Math.min(end + 1, to)
      places.push({
        name: { offset: from, length: end - from },
        value: { offset: value, length: to - value },
      })
    }
    from = to + separator.length
  }
  return places
}
