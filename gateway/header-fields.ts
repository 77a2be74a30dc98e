import type { HeaderList } from '../detectors/request.js'
import { sameToken } from '../detectors/transaction/bytes.js'

/**
 * The value of a field that may appear once.
 *
 * @param name lower case
 * @returns undefined when it is missing, and when it appears more than once: then no reader agrees which one counts
 */
export const headerValue = (headers: HeaderList, name: string): string | undefined => {
  let found: string | undefined
  for (const [key, value] of headers) {
    if (!sameToken(key, name)) continue
    if (found !== undefined) return undefined
    found = value
  }
  return found
}

const NONE: readonly string[] = []

/** All values of a list field, split at commas, trimmed, without empty ones (RFC 9110, section 5.6.1). */
export const listValues = (headers: HeaderList, name: string): readonly string[] => {
  let values: string[] | undefined
  for (const [key, value] of headers) {
    if (!sameToken(key, name)) continue
    values ??= []
    for (const part of value.split(',')) {
      const item = part.trim()
      if (item !== '') values.push(item)
    }
  }
  return values ?? NONE
}

/** The media type of a `Content-Type` value, lower case and without parameters; empty when there is none. */
export const mediaType = (contentType: string | undefined): string => {
  if (contentType === undefined) return ''
  const end = contentType.search(/[;,\s]/)
  return (end === -1 ? contentType : contentType.slice(0, end)).toLowerCase()
}
