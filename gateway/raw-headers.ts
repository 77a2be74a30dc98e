import type { HeaderList } from '../detectors/request.js'

const text = (value: unknown): string =>
  Buffer.isBuffer(value) ? value.toString('latin1') : typeof value === 'string' ? value : String(value)

/** Name and value in turn, as undici and node:http give them, as pairs of byte strings. */
export const pairHeaders = (raw: unknown): HeaderList => {
  if (!Array.isArray(raw)) return []
  const out: (readonly [string, string])[] = []
  for (let at = 0; at + 1 < raw.length; at += 2) out.push([text(raw[at]), text(raw[at + 1])])
  return out
}
