import type { ByteReader } from '../byte-reader.js'
import { ProtocolError } from '../errors.js'

/** A start line and fields, as ICAP has them from HTTP (RFC 3507, section 4.3.1). */
export interface Head {
  readonly start: string
  /** By lower-case name; of a repeated field the values are joined by commas. */
  readonly fields: ReadonlyMap<string, string>
}

const LINE_END = 0x0a
/** Bytes of the head of an ICAP message, and its fields. */
const MAX_HEAD = 64 * 1024
const MAX_FIELDS = 200

/**
 * Reads the head of the next message. Blank lines before it are passed over.
 * @param waitMs until it begins, `headMs` until it is whole
 * @returns undefined when the client has sent all
 * @throws ProtocolError as {@link ByteReader.until}, `PROTOCOL_MALFORMED`
 */
export async function readHead(
  reader: ByteReader,
  waitMs: number,
  headMs: number,
): Promise<Head | undefined> {
  if (!(await reader.wait(waitMs))) return undefined
  const deadline = performance.now() + headMs
  const lines: string[] = []
  for (let left = MAX_HEAD; ;) {
    const line = await reader.until(LINE_END, left, deadline - performance.now())
    left -= Math.min(left, line.length + 1)
    const text = withoutReturn(line.toString('latin1'))
    if (text !== '') lines.push(text)
    else if (lines.length > 0) return toHead(lines)
  }
}

/** The same for the head of an encapsulated HTTP message, which is there as a whole. */
export const parseHead = (bytes: Buffer): Head =>
  toHead(
    bytes
      .toString('latin1')
      .split('\n')
      .map(withoutReturn)
      .filter((line) => line !== ''),
  )

const withoutReturn = (line: string): string => (line.endsWith('\r') ? line.slice(0, -1) : line)

function toHead([start = '', ...lines]: readonly string[]): Head {
  if (lines.length > MAX_FIELDS)
    throw new ProtocolError('PROTOCOL_MALFORMED', `more than ${MAX_FIELDS} header fields`)
  const fields = new Map<string, string>()
  let name: string | undefined
  for (const line of lines) {
    const folded = line.startsWith(' ') || line.startsWith('\t')
    const colon = line.indexOf(':')
    if (!folded) name = colon < 0 ? undefined : line.slice(0, colon).trim().toLowerCase()
    if (name === undefined) continue
    const value = folded ? line.trim() : line.slice(colon + 1).trim()
    const before = fields.get(name)
    fields.set(name, before === undefined ? value : `${before}${folded ? ' ' : ', '}${value}`)
  }
  return { start, fields }
}
