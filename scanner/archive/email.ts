import { text } from './text.js'
import type { Opened } from './opened.js'
import type { Packed } from './unpack-types.js'

/** Bytes of one part's header that are looked at; more is no header that a mail program makes. */
const MOST_HEADER = 64 * 1024
/** Multiparts in multiparts that are taken apart. */
const MOST_NESTED = 32
/** Boundaries of one multipart that are looked at. */
const MOST_BOUNDARY = 1024

interface Part {
  readonly fields: ReadonlyMap<string, string>
  readonly body: Buffer
}

/**
 * Opens an e-mail or MHTML file (RFC 5322, RFC 2045 to 2047): each part is a member, decoded as its header says. Programs
 * disagree about broken ones, so what follows a boundary counts as a part whether the multipart was ended or not, and what stands
 * between or behind the parts is judged with the whole file.
 */
export async function openEmail({ content }: Packed, opened: Opened): Promise<number> {
  await openPart(readPart(withoutMboxLine(content)), opened, 0)
  return 0
}

async function openPart({ fields, body }: Part, opened: Opened, depth: number): Promise<boolean> {
  const type = fields.get('content-type') ?? ''
  const boundary = /^\s*multipart\//i.test(type) ? parameter(type, 'boundary') : undefined
  if (boundary !== undefined && boundary !== '') {
    if (depth >= MOST_NESTED) {
      opened.say('max_depth', undefined, 'multiparts in multiparts')
      return true
    }
    for (const part of partsOf(body, Buffer.from(boundary, 'latin1')))
      if (!(await openPart(readPart(part), opened, depth + 1))) return false
    return true
  }
  // The text of a mail that is sent as it is stands in the file already.
  const coding = (fields.get('content-transfer-encoding') ?? '').trim().toLowerCase()
  const decoded = decode(body, coding)
  // Each counts, so that a mail of nothing but boundaries ends at a limit.
  if (!opened.budget.admit()) return false
  if (decoded.length === 0) return true
  const room = opened.budget.room(Infinity)
  const disposition = fields.get('content-disposition') ?? ''
  const name = parameter(disposition, 'filename') ?? parameter(type, 'name') ?? 'part'
  await opened.member(text(Buffer.from(name, 'latin1')), decoded.subarray(0, room), {
    isCut: decoded.length > room,
  })
  return true
}

/** Mail folders begin each mail with a line of their own (RFC 4155). */
const withoutMboxLine = (content: Buffer): Buffer =>
  content.subarray(0, 5).toString('latin1') === 'From ' ? content.subarray(content.indexOf(10) + 1) : content

function readPart(part: Buffer): Part {
  const head = part.toString('latin1', 0, MOST_HEADER)
  const end = /^\r?\n|\r?\n\r?\n/.exec(head)
  const header = end ? head.slice(0, end.index) : head
  const fields = new Map<string, string>()
  let last: string | undefined
  for (const line of header.split(/\r?\n/)) {
    if (/^[ \t]/.test(line)) {
      if (last !== undefined) fields.set(last, `${fields.get(last)} ${line.trim()}`)
      continue
    }
    const colon = line.indexOf(':')
    last = colon > 0 ? line.slice(0, colon).trim().toLowerCase() : undefined
    if (last !== undefined && fields.has(last)) last = undefined
    if (last !== undefined) fields.set(last, line.slice(colon + 1))
  }
  return { fields, body: end ? part.subarray(end.index + end[0].length) : Buffer.alloc(0) }
}

/** A parameter of a field (RFC 2045, section 5.1), also in pieces (RFC 2231, section 3). */
function parameter(field: string, name: string): string | undefined {
  const pieces: string[] = []
  for (const [, key = '', quoted, plain] of field.matchAll(
    /;\s*([^\s=;"]{1,80})\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;\s]*))/g,
  )) {
    const [base, piece] = key.toLowerCase().split('*')
    if (base === name) pieces[Number(piece) || 0] ??= quoted?.replace(/\\(.)/g, '$1') ?? plain ?? ''
  }
  return pieces.length === 0 ? undefined : pieces.join('')
}

/** What follows each line that begins with the boundary, up to the next one (RFC 2046, section 5.1.1). */
function* partsOf(body: Buffer, boundary: Buffer): Generator<Buffer> {
  const mark = Buffer.concat([Buffer.from('--'), boundary.subarray(0, MOST_BOUNDARY)])
  let start: number | undefined
  for (let at = body.indexOf(mark); at >= 0; at = body.indexOf(mark, at + mark.length)) {
    if (at > 0 && body[at - 1] !== 10) continue
    // The end of the line before it belongs to the boundary.
    const end = body[at - 2] === 13 ? at - 2 : at - 1
    if (start !== undefined) yield body.subarray(start, Math.max(start, end))
    const line = body.indexOf(10, at)
    start = line < 0 ? body.length : line + 1
  }
  if (start !== undefined) yield body.subarray(start)
}

function decode(body: Buffer, coding: string): Buffer {
  if (coding === 'base64') return decodeBase64(body)
  if (coding === 'quoted-printable') return decodeQuotedPrintable(body)
  return body
}

/** As the most forgiving mail programs do: what is no digit counts for nothing, and padding only ends a group. */
const decodeBase64 = (body: Buffer): Buffer =>
  Buffer.concat(
    body
      .toString('latin1')
      .replace(/[^A-Za-z0-9+/=]/g, '')
      .split(/=+/)
      .map((group) => Buffer.from(group, 'base64')),
  )

function decodeQuotedPrintable(body: Buffer): Buffer {
  const decoded = Buffer.alloc(body.length)
  let length = 0
  for (let at = 0; at < body.length; at++) {
    const byte = body[at] ?? 0
    if (byte !== 0x3d) {
      decoded[length++] = byte
      continue
    }
    const digits = body.toString('latin1', at + 1, at + 3)
    const soft = /^[ \t]*\r?\n/.exec(body.toString('latin1', at + 1, at + 80))
    if (soft) at += soft[0].length
    else if (/^[0-9A-Fa-f]{2}$/.test(digits)) {
      decoded[length++] = Number.parseInt(digits, 16)
      at += 2
    } else decoded[length++] = byte
  }
  return decoded.subarray(0, length)
}

/** Fields that a mail begins with. */
const FIRST_FIELD =
  /^(?:From |(?:return-path|received|delivered-to|x-[a-z0-9-]{1,60}|dkim-signature|arc-[a-z-]{1,40}|authentication-results|message-id|date|from|to|cc|reply-to|sender|subject|mime-version|content-type|content-transfer-encoding|content-disposition|user-agent|in-reply-to|references):)/i

/** Whether a content begins as an e-mail or MHTML file does and has fields of MIME. */
export const isEmail = (content: Buffer, head: string): boolean =>
  FIRST_FIELD.test(head) &&
  /\n(?:mime-version|content-type|content-transfer-encoding):/i.test(
    `\n${content.toString('latin1', 0, MOST_HEADER)}`,
  )
