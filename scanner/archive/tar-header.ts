import { text } from './text.js'

/** Bytes of a header, and what every content is padded to. */
export const BLOCK = 512

/** A tar header (POSIX.1-2001, ustar interchange format; the GNU types). */
export interface TarHeader {
  readonly name: string
  /** Bytes of the content behind it. */
  readonly size: number
  /** Type flag: `0` a file, `5` a folder, `x` a pax header… */
  readonly type: string
  /** An old GNU sparse header goes on in further blocks before the content. */
  readonly goesOn: boolean
}

const octal = (field: Buffer): number =>
  Number.parseInt(/^[ \0]*([0-7]+)/.exec(field.toString('latin1'))?.[1] ?? '0', 8)

/** Octal digits, or where those do not suffice a number of base 256 after a set high bit (GNU). */
const size = (field: Buffer): number =>
  ((field[0] ?? 0) & 0x80) === 0
    ? octal(field)
    : Number(BigInt(`0x${field.toString('hex')}`) & ((1n << 52n) - 1n))

/** A text field up to its NUL. */
export const terminated = (field: Buffer): Buffer => {
  const end = field.indexOf(0)
  return end < 0 ? field : field.subarray(0, end)
}

/** Whether a header stands at `at`: the sum over its bytes is what it says, as unsigned or, in old archives, as signed ones. */
export function isTarHeader(content: Buffer, at = 0): boolean {
  if (at + BLOCK > content.length || content[at] === 0) return false
  const field = content.subarray(at + 148, at + 156)
  if (!/^[ \0]*[0-7]{1,7}[\0 ]*$/.test(field.toString('latin1'))) return false
  let unsigned = 0
  let signed = 0
  for (let offset = 0; offset < BLOCK; offset++) {
    const byte = offset >= 148 && offset < 156 ? 0x20 : (content[at + offset] ?? 0)
    unsigned += byte
    signed += byte > 127 ? byte - 256 : byte
  }
  const stated = octal(field)
  return stated === unsigned || stated === signed
}

/** Reads the header at `at`, where {@link isTarHeader} has found one. */
export function readTarHeader(content: Buffer, at: number): TarHeader {
  const field = (from: number, length: number): Buffer => content.subarray(at + from, at + from + length)
  const isUstar = field(257, 6).toString('latin1') === 'ustar\0'
  const prefix = isUstar ? text(terminated(field(345, 155))) : ''
  const name = text(terminated(field(0, 100)))
  const type = field(156, 1).toString('latin1')
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    size: size(field(124, 12)),
    type,
    goesOn: type === 'S' && content[at + 482] === 1,
  }
}

/** Name and size in the records of a pax header, which stand in for those of the next header. */
export function readPax(records: Buffer): { readonly name?: string; readonly size?: number } {
  let at = 0
  const said: { name?: string; size?: number } = {}
  while (at < records.length) {
    // "length key=value\n", where the length counts itself too.
    const length = Number(/^([0-9]{1,9}) /.exec(records.toString('latin1', at, at + 10))?.[1] ?? 0)
    if (length === 0) break
    const record = records.subarray(records.indexOf(' ', at) + 1, at + length - 1)
    const equals = record.indexOf('=')
    const key = record.toString('latin1', 0, Math.max(0, Math.min(equals, 32)))
    const value = record.subarray(equals + 1)
    if (key === 'path' || key === 'GNU.sparse.name') said.name = text(value)
    if (key === 'size' && /^[0-9]{1,15}$/.test(value.toString('latin1')))
      said.size = Number(value.toString('latin1'))
    at += length
  }
  return said
}
