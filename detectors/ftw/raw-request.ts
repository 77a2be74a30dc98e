import type { HeaderList } from '../request.js'

/** A request as its raw bytes say it. */
export interface RawRequest {
  readonly method: string
  readonly target: string
  readonly version: string
  readonly headers: HeaderList
  readonly body: Buffer
  /** It can be read, yet a server must answer 400: rules still run. */
  readonly refused: boolean
}

/** The version may be any: rules decide on it. Without one it is the simple request of HTTP/0.9. */
const REQUEST_LINE = /^([^\s]{1,100}) ([^\s]*)(?: HTTP\/(\d\.\d))?$/
/** Origin, asterisk and absolute form (RFC 9112, section 3.2). */
const TARGET = /^(?:\/|\*$|[a-z][a-z0-9+.-]{0,30}:\/\/)/i
const CONNECT_TARGET = /^[^\s:]{1,255}:\d{1,5}$/

/**
 * Reads a request without a socket, for judging what no listener would let through: any method and version, folded lines,
 * and `Transfer-Encoding` before `Content-Length`, which is then dropped (RFC 9112, section 6.3). Undefined when it is no
 * request at all.
 */
export function parseRaw(bytes: Buffer): RawRequest | undefined {
  const text = bytes.toString('latin1')
  const end = text.indexOf('\r\n\r\n')
  const head = end < 0 ? text : text.slice(0, end)
  const [first = '', ...lines] = head.split('\r\n')
  const line = REQUEST_LINE.exec(first)
  if (!line || lines.some((field) => /[\r\n\0]/.test(field))) return undefined
  const [, method = '', target = '', named] = line
  // A simple request is its first line and nothing else.
  if (named === undefined)
    return { method, target, version: '0.9', headers: [], body: Buffer.alloc(0), refused: false }
  let headers: [string, string][] = []
  for (const field of lines) {
    const colon = field.indexOf(':')
    if (/^[ \t]/.test(field) && headers.length > 0) {
      const last = headers.at(-1)
      if (last) last[1] += ` ${field.trim()}`
    } else if (colon > 0) headers.push([field.slice(0, colon).trim(), field.slice(colon + 1).trim()])
  }
  const value = (name: string): string | undefined => headers.find(([key]) => key.toLowerCase() === name)?.[1]
  let body = end < 0 ? Buffer.alloc(0) : bytes.subarray(end + 4)
  if (/chunked/i.test(value('transfer-encoding') ?? '')) {
    body = dechunk(body)
    headers = headers.filter(([key]) => key.toLowerCase() !== 'content-length')
  } else body = body.subarray(0, Number.parseInt(value('content-length') ?? '0', 10) || 0)
  return {
    method,
    target,
    version: named,
    headers,
    body,
    refused:
      named.startsWith('0.') ||
      target.includes('#') ||
      (named !== '1.0' && (value('host') ?? '') === '') ||
      !(method === 'CONNECT' ? CONNECT_TARGET : TARGET).test(target),
  }
}

function dechunk(bytes: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf('\r\n', at)
    const size = Number.parseInt(bytes.toString('latin1', at, end < 0 ? bytes.length : end), 16)
    if (end < 0 || !(size > 0)) break
    parts.push(bytes.subarray(end + 2, end + 2 + size))
    at = end + 2 + size + 2
  }
  return Buffer.concat(parts)
}
