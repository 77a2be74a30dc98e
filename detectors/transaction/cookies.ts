import type { NamedValue, PairPlace } from './pairs.js'

export interface CookieList {
  readonly cookies: readonly NamedValue[]
  readonly limited: boolean
}

/**
 * Splits the values of the Cookie headers (RFC 6265, section 4.2, read as leniently as servers do): pairs between semicolons, white space around a
 * name dropped. Values are kept as they stand, blanks at either end too, for patterns look for them. At most `limit` cookies.
 */
export function parseCookies(values: readonly string[], limit: number, separator = ';'): CookieList {
  const cookies: NamedValue[] = []
  for (const header of values) {
    let from = 0
    while (from <= header.length) {
      let to = header.indexOf(separator, from)
      if (to < 0) to = header.length
      const pair = header.slice(from, to).trimStart()
      from = to + separator.length
      if (pair === '') continue
      if (cookies.length >= limit) return { cookies, limited: true }
      const equals = pair.indexOf('=')
      cookies.push(
        equals < 0
          ? { name: pair.trimEnd(), value: '' }
          : { name: pair.slice(0, equals).trimEnd(), value: pair.slice(equals + 1) },
      )
    }
  }
  return { cookies, limited: false }
}

/** Where the cookies stand that `parseCookies` gives for the same headers, in the same order; `header` is the index of the value. */
export function placesOfCookies(
  values: readonly string[],
  limit: number,
  separator = ';',
): (PairPlace & { readonly header: number })[] {
  const places: (PairPlace & { readonly header: number })[] = []
  for (const [header, text] of values.entries()) {
    let from = 0
    while (from <= text.length && places.length < limit) {
      let to = text.indexOf(separator, from)
      if (to < 0) to = text.length
      const field = text.slice(from, to)
      const pair = field.trimStart()
      const offset = from + field.length - pair.length
      from = to + separator.length
      if (pair === '') continue
      const equals = pair.indexOf('=')
      const name = (equals < 0 ? pair : pair.slice(0, equals)).trimEnd()
      const value = equals < 0 ? '' : pair.slice(equals + 1)
      places.push({
        header,
        name: { offset, length: name.length },
        value: { offset: offset + pair.length - value.length, length: value.length },
      })
    }
  }
  return places
}
