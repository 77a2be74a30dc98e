import type { HeaderList } from '../request.js'

/** A request as its raw bytes say it, read as leniently as a server of the old days would. */
export interface RawRequest {
  readonly method: string
  readonly target: string
  readonly version: '1.0' | '1.1' | '2.0'
  readonly headers: HeaderList
  readonly body: Buffer
}

/** Reads a request without a socket, for judging what no listener would let through. Undefined when it is no request. */
export function parseRaw(bytes: Buffer): RawRequest | undefined {
  const text = bytes.toString('latin1')
  const end = text.indexOf('\r\n\r\n')
  const head = end < 0 ? text : text.slice(0, end)
  const [first = '', ...lines] = head.split('\r\n')
  const line = /^\s*(\S+)\s+(.*?)(?:\s+HTTP\/(\d\.\d))?$/s.exec(first)
  if (!line) return undefined
  const headers: [string, string][] = []
  for (const field of lines) {
    const colon = field.indexOf(':')
    if (/^[ \t]/.test(field) && headers.length > 0) {
      const last = headers.at(-1)
      if (last) last[1] += ` ${field.trim()}`
    } else if (colon > 0) headers.push([field.slice(0, colon).trim(), field.slice(colon + 1).trim()])
  }
  let body = end < 0 ? Buffer.alloc(0) : bytes.subarray(end + 4)
  const value = (name: string): string | undefined => headers.find(([key]) => key.toLowerCase() === name)?.[1]
  if (/chunked/i.test(value('transfer-encoding') ?? '')) body = dechunk(body)
  else body = body.subarray(0, Number.parseInt(value('content-length') ?? '0', 10) || 0)
  return {
    method: line[1] ?? '',
    target: line[2] ?? '',
    version: line[3] === '1.0' ? '1.0' : line[3] === '2.0' ? '2.0' : '1.1',
    headers,
    body,
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
