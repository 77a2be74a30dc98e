/**
 * The path of a request as different servers understand it. Servers disagree on how often they decode, on `;params`,
 * on `\` and on `//`; a policy about paths that knew one reading only could be walked around with another.
 */
export interface RequestPath {
  /** The path as sent, without scheme, authority, query and fragment. */
  readonly raw: string
  /** Decoded once, separators unified, dot segments resolved (RFC 3986 sections 2.1 and 5.2.4). */
  readonly normal: string
  /**
   * Every reading that a server may make of it, `normal` first: decoded one to three times, each with and without
   * `;params`, with lenient encodings, and up to a NUL.
   */
  readonly readings: readonly string[]
  /**
   * True when there is only one reading: nothing to resolve, no dot, separator or percent sign in encoded form, no
   * parameters, nothing but printable ASCII. Only such a path may earn trust.
   */
  readonly plain: boolean
}

const DECODE_ROUNDS = 3

/** Reads the path out of a request target in origin, absolute, authority or asterisk form (RFC 9112 section 3.2). */
export function requestPath(target: string): RequestPath {
  const raw = rawPath(target)
  if (isPlainAsSent(raw)) return { raw, normal: raw, readings: [raw], plain: true }
  const once = percentDecode(raw)
  const normal = resolve(once)
  if (isPlain(raw, once, normal)) return { raw, normal, readings: [normal], plain: true }
  const readings = new Set<string>([normal])
  const read = (path: string): void => {
    readings.add(resolve(path))
    if (path.includes(';')) readings.add(resolve(withoutParameters(path)))
    const nul = path.indexOf('\0')
    if (nul !== -1) readings.add(resolve(path.slice(0, nul)))
  }
  let decoded = once
  for (let round = 1; round <= DECODE_ROUNDS; round++) {
    read(decoded)
    const loose = decodeLoosely(decoded)
    if (loose !== decoded) read(loose)
    const next = percentDecode(decoded)
    if (next === decoded) break
    decoded = next
  }
  return { raw, normal, readings: [...readings], plain: false }
}

const SLASH = 0x2f
const DOT = 0x2e
const PERCENT = 0x25
const SEMICOLON = 0x3b
const BACKSLASH = 0x5c

/** Whether a path shows at a glance that there is one reading, as most do: printable ASCII with no segment that is empty or begins with a dot. */
function isPlainAsSent(path: string): boolean {
  if (path.charCodeAt(0) !== SLASH) return false
  let before = 0
  for (let at = 0; at < path.length; at++) {
    const code = path.charCodeAt(at)
    if (code < 0x20 || code > 0x7e) return false
    if (code === PERCENT || code === SEMICOLON || code === BACKSLASH) return false
    if (before === SLASH && (code === SLASH || code === DOT)) return false
    before = code
  }
  return true
}

function rawPath(target: string): string {
  let path = target
  if (!path.startsWith('/')) {
    const scheme = path.indexOf('://')
    if (scheme === -1) return path === '*' ? '*' : cutTail(`/${path}`)
    const slash = path.slice(scheme + 3).search(/[/?#]/)
    path = slash === -1 ? '/' : path.slice(scheme + 3 + slash)
    if (!path.startsWith('/')) path = `/${path}`
  }
  return cutTail(path)
}

function cutTail(path: string): string {
  const end = path.search(/[?#]/)
  return end === -1 ? path : path.slice(0, end)
}

/** Decodes `%XX` once; what is not an escape stays as it is. */
export function percentDecode(text: string): string {
  if (!text.includes('%')) return text
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
}

/** What lenient servers add: `%uXXXX`, and two-byte UTF-8 forms of ASCII characters (`C0 AF` for a slash). */
function decodeLoosely(text: string): string {
  return text
    .replace(/%u00([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
    .replace(/[\xc0\xc1][\x80-\xbf]/g, (pair) =>
      String.fromCharCode(((pair.charCodeAt(0) & 0x1f) << 6) | (pair.charCodeAt(1) & 0x3f)),
    )
}

function withoutParameters(path: string): string {
  return path.replace(/;[^/\\]*/g, '')
}

/** Unifies separators, drops empty and `.` segments, applies `..`; keeps a trailing slash. */
function resolve(path: string): string {
  if (path === '*') return path
  const segments = path.split(/[/\\]/)
  const out: string[] = []
  for (const segment of segments) {
    if (segment === '..') out.pop()
    else if (segment !== '' && segment !== '.') out.push(segment)
  }
  const last = segments.at(-1)
  const folder = last === '' || last === '.' || last === '..'
  return `/${out.join('/')}${folder && out.length > 0 ? '/' : ''}`
}

function isPlain(raw: string, once: string, normal: string): boolean {
  return once === normal && /^[!-~ ]*$/.test(once) && !/[%;\\]/.test(once) && !/%(?:2f|5c|2e)/i.test(raw)
}
