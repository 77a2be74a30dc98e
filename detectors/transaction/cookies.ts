import type { NamedValue } from './pairs.js'

export interface CookieList {
  readonly cookies: readonly NamedValue[]
  readonly limited: boolean
}

/**
 * Splits the values of the Cookie headers (RFC 6265, section 4.2, read as leniently as servers do): pairs between semicolons, white space before a
 * name dropped, values kept as they stand. At most `limit` cookies.
 */
export function parseCookies(values: readonly string[], limit: number, separator = ';'): CookieList {
  const cookies: NamedValue[] = []
  for (const header of values) {
    let from = 0
    while (from <= header.length) {
      let to = header.indexOf(separator, from)
      if (to < 0) to = header.length
      const pair = header.slice(from, to).trim()
      from = to + separator.length
      if (pair === '') continue
      if (cookies.length >= limit) return { cookies, limited: true }
      const equals = pair.indexOf('=')
      cookies.push(
        equals < 0
          ? { name: pair, value: '' }
          : { name: pair.slice(0, equals).trimEnd(), value: pair.slice(equals + 1).trimStart() },
      )
    }
  }
  return { cookies, limited: false }
}
