import { ProtocolError } from '../errors.js'

type Header = 'req-hdr' | 'res-hdr'
type Body = 'req-body' | 'res-body' | 'null-body'

/** What an ICAP message holds of an HTTP message, and where (RFC 3507, section 4.4.1). */
export interface Encapsulated {
  /** Bytes of all heads together; the body, if there is one, follows in chunks. */
  readonly length: number
  readonly heads: { readonly [name in Header]?: { readonly start: number; readonly end: number } }
  readonly body: Body
}

/** What may stand there, in this order; the first that is a body is the last of all. */
const ALLOWED: { readonly [method: string]: readonly (Header | Body)[] } = {
  REQMOD: ['req-hdr', 'req-body', 'null-body'],
  RESPMOD: ['req-hdr', 'res-hdr', 'res-body', 'null-body'],
}

/** Bytes of the heads of an encapsulated message. */
const MAX_HEADS = 256 * 1024
const ITEM = /^([a-z-]{1,16})=(\d{1,9})$/

/**
 * Reads the field `Encapsulated`, e.g. `req-hdr=0, res-hdr=137, res-body=296`.
 * @throws ProtocolError `PROTOCOL_MALFORMED`, `PROTOCOL_TOO_LONG`
 */
export function parseEncapsulated(text: string | undefined, method: string): Encapsulated {
  if (text === undefined) throw malformed('the field Encapsulated is missing')
  const allowed = ALLOWED[method] ?? []
  const items = text.split(',', 5).map((item) => {
    const [, name, offset] = ITEM.exec(item.trim().toLowerCase()) ?? []
    const order = allowed.findIndex((known) => known === name)
    const known = allowed[order]
    if (known === undefined) throw malformed(`${method} cannot hold ${JSON.stringify(item.trim())}`)
    return { name: known, order, offset: Number(offset) }
  })
  const last = items.at(-1)
  if (items[0]?.offset !== 0 || last === undefined || !isBody(last.name))
    throw malformed('Encapsulated must begin at 0 and end with a body')
  const heads: { [name in Header]?: { start: number; end: number } } = {}
  for (const [index, { name, order, offset }] of items.entries()) {
    const next = items[index + 1]
    if (!next) break
    if (isBody(name) || next.order <= order || next.offset <= offset)
      throw malformed('the parts of Encapsulated are out of order')
    heads[name] = { start: offset, end: next.offset }
  }
  if (last.offset > MAX_HEADS)
    throw new ProtocolError('PROTOCOL_TOO_LONG', `encapsulated heads of more than ${MAX_HEADS} bytes`)
  return { length: last.offset, heads, body: last.name }
}

const isBody = (name: Header | Body): name is Body => name.endsWith('-body')

const malformed = (why: string): ProtocolError => new ProtocolError('PROTOCOL_MALFORMED', why)
