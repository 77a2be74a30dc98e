/** A power of two. */
const PLACES = 1024
const MAX_LENGTH = 64

/** The name that was last met at each place. */
const names: string[] = Array.from({ length: PLACES }, () => '')

/**
 * The name of a field as a string that is mostly there already: the same few names come with each message, and a string that was
 * used as a key before need not be hashed again. A place holds one name, so no traffic can make the table grow.
 */
export function fieldName(bytes: Buffer, start: number, end: number): string {
  const length = end - start
  if (length > MAX_LENGTH) return bytes.toString('latin1', start, end)
  let hash = length
  for (let at = start; at < end; at++) hash = Math.imul(hash, 31) + (bytes[at] ?? 0)
  const place = (hash ^ (hash >>> 10)) & (PLACES - 1)
  const known = names[place] ?? ''
  if (isName(known, bytes, start, length)) return known
  // A string of its own, which keeps no message alive.
  return (names[place] = bytes.toString('latin1', start, end))
}

function isName(known: string, bytes: Buffer, start: number, length: number): boolean {
  if (known.length !== length) return false
  for (let at = 0; at < length; at++) if (known.charCodeAt(at) !== bytes[start + at]) return false
  return true
}
