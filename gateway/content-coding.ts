import type { Transform } from 'node:stream'
import * as zlib from 'node:zlib'

/** The outcome of decoding: what could be decoded, and the limit that cut it. */
export interface Decoded {
  readonly bytes: Uint8Array
  /** Name of the limit, or undefined when all was decoded. */
  readonly limit?: 'content_coding' | 'decoded_bytes' | 'decode_ratio' | 'decode_error'
}

export interface DecodeLimits {
  /** Decoded bytes to stop at. */
  readonly maxBytes: number
  /** Decoded bytes per encoded byte to stop at; small bodies may always grow to 64 KiB. */
  readonly maxRatio: number
}

const ALWAYS_ALLOWED = 64 * 1024
/** Codings in one `Content-Encoding`; more is not traffic but an attempt. */
const MAX_CODINGS = 3

type MakeDecoder = () => Transform

const isMaker = (value: unknown): value is MakeDecoder => typeof value === 'function'

/** Newer versions of Node decode zstd; older ones do not ask for it. */
const zstd: unknown = Reflect.get(zlib, 'createZstdDecompress')

/** `deflate` means zlib (RFC 9110, section 8.4.1.2), but some servers send it raw; the first two bytes tell. */
const makeInflate = (bytes: Uint8Array): Transform => {
  const [first = 0, second = 0] = bytes
  const isZlib = (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0
  return isZlib ? zlib.createInflate() : zlib.createInflateRaw()
}

const decoderFor = (coding: string, bytes: Uint8Array): Transform | undefined => {
  switch (coding) {
    case 'gzip':
    case 'x-gzip':
      return zlib.createGunzip()
    case 'deflate':
      return makeInflate(bytes)
    case 'br':
      return zlib.createBrotliDecompress()
    case 'zstd':
      return isMaker(zstd) ? zstd() : undefined
    default:
      return undefined
  }
}

/** The codings that we decode, best first, as an `Accept-Encoding` value. */
export const DECODABLE: readonly string[] = isMaker(zstd)
  ? ['gzip', 'br', 'zstd', 'deflate']
  : ['gzip', 'br', 'deflate']

/**
 * `Accept-Encoding` narrowed to codings that we decode. What the client refuses stays refused; without the field, only
 * plain answers are asked for.
 *
 * @param values elements of the client's field, e.g. `br;q=0.5`
 */
export const narrowAcceptEncoding = (values: readonly string[]): string => {
  const kept = values.slice(0, 32).filter((value) => {
    const coding = (value.split(';')[0] ?? '').trim().toLowerCase()
    return coding === 'identity' || DECODABLE.includes(coding)
  })
  // `*` would allow codings that nobody here reads.
  return kept.length === 0 ? 'identity' : kept.join(', ')
}

const decodeOne = (decoder: Transform, bytes: Uint8Array, maxBytes: number): Promise<Decoded> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = []
    let size = 0
    const finish = (limit?: Decoded['limit']): void => {
      decoder.removeAllListeners('data')
      decoder.on('error', () => undefined)
      decoder.destroy()
      const all = Buffer.concat(chunks)
      resolve(limit === undefined ? { bytes: all } : { bytes: all, limit })
    }
    let done = false
    const once = (limit?: Decoded['limit']): void => {
      if (done) return
      done = true
      finish(limit)
    }
    decoder.on('data', (chunk: Buffer) => {
      const room = maxBytes - size
      if (chunk.length > room) {
        chunks.push(chunk.subarray(0, room))
        once('decoded_bytes')
        return
      }
      chunks.push(chunk)
      size += chunk.length
    })
    decoder.once('end', () => once())
    decoder.once('error', () => once('decode_error'))
    decoder.end(bytes)
  })

/**
 * Decodes a body for judging. What decoded before a limit or an error is kept, so that the part that was readable is
 * judged and the rest is named.
 *
 * @param codings elements of `Content-Encoding` in the order in which they were applied
 */
export const decodeBody = async (
  body: Uint8Array,
  codings: readonly string[],
  limits: DecodeLimits,
): Promise<Decoded> => {
  const applied = codings.map((coding) => coding.toLowerCase()).filter((coding) => coding !== 'identity')
  if (applied.length === 0) return { bytes: body }
  if (applied.length > MAX_CODINGS) return { bytes: body, limit: 'content_coding' }
  const byRatio = Math.max(ALWAYS_ALLOWED, body.length * limits.maxRatio)
  const maxBytes = Math.min(limits.maxBytes, byRatio)
  let bytes = body
  for (const coding of applied.reverse()) {
    const decoder = decoderFor(coding, bytes)
    if (decoder === undefined) return { bytes, limit: 'content_coding' }
    const decoded = await decodeOne(decoder, bytes, maxBytes)
    if (decoded.limit !== undefined)
      return decoded.limit === 'decoded_bytes' && byRatio < limits.maxBytes
        ? { bytes: decoded.bytes, limit: 'decode_ratio' }
        : decoded
    bytes = decoded.bytes
  }
  return { bytes }
}
