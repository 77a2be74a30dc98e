import { inflate } from './inflate.js'
import type { Opened } from './opened.js'
import { text } from './text.js'
import type { Packed } from './unpack-types.js'

/** Flags of a header (RFC 1952, section 2.3.1). */
const FHCRC = 0x02
const FEXTRA = 0x04
const FNAME = 0x08
const FCOMMENT = 0x10
const HEADER_LENGTH = 10
/** CRC and size behind each compressed stream. */
const TRAILER_LENGTH = 8

/**
 * Opens a gzip file (RFC 1952): all its members, one after another, are one content of the name that the first states or of
 * the file's own without the suffix. What follows them is no part of it, as for gzip itself.
 */
export async function openGzip({ content, name }: Packed, opened: Opened): Promise<number> {
  const { budget } = opened
  const room = budget.room(content.length)
  const pieces: Buffer[] = []
  let length = 0
  let at = 0
  let inner: string | undefined
  let damage: string | undefined
  let isLate = false
  while (length <= room && damage === undefined && !isLate && isGzip(content, at)) {
    if (!budget.admit()) break
    const header = readHeader(content, at)
    inner ??= header.name
    const unpacked = await inflate(content.subarray(header.end), room - length, budget.end)
    pieces.push(unpacked.content)
    length += unpacked.content.length + (unpacked.isCut ? 1 : 0)
    at = header.end + unpacked.consumed + TRAILER_LENGTH
    damage = unpacked.damage
    isLate = unpacked.isLate === true
  }
  if (pieces.length === 0) {
    if (!isGzip(content, 0)) opened.say('damaged_archive', undefined, 'its header is cut short')
    return at
  }
  const isCut = length > room
  const consumed = Math.min(at, content.length)
  const whole = pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces)
  await opened.member(inner ?? innerName(name), whole, { consumed, isCut, isLate, damage })
  return at
}

const isGzip = (content: Buffer, at: number): boolean =>
  at + HEADER_LENGTH <= content.length && content[at] === 0x1f && content[at + 1] === 0x8b

function readHeader(content: Buffer, start: number): { readonly name?: string; readonly end: number } {
  const flags = content[start + 3] ?? 0
  let end = start + HEADER_LENGTH
  const textField = (): Buffer => {
    const zero = content.indexOf(0, end)
    const field = content.subarray(end, zero < 0 ? content.length : zero)
    end += field.length + 1
    return field
  }
  if ((flags & FEXTRA) !== 0 && end + 2 <= content.length) end += 2 + content.readUInt16LE(end)
  const name = (flags & FNAME) === 0 ? undefined : text(textField())
  if ((flags & FCOMMENT) !== 0) textField()
  if ((flags & FHCRC) !== 0) end += 2
  return name === undefined || name === '' ? { end } : { name, end }
}

/** What a compressed file is called without its suffix: `a.tar.gz` is `a.tar`, and so is `a.tgz`. */
export function innerName(name: string): string {
  const short = /^(.+)\.(?:tgz|tbz2?|txz|tzst)$/i.exec(name)
  if (short) return `${short[1]}.tar`
  return /^(.+)\.(?:gz|bz2|xz|zst|lzma|Z)$/i.exec(name)?.[1] ?? 'content'
}
