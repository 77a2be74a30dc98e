import { ProtocolError } from '../errors.js'
import type { Encapsulated } from './encapsulated.js'
import { parseHead, type Head } from './head.js'

/** The first line and fields of an ICAP request (RFC 3507, section 4.3.2). */
export interface IcapRequest {
  readonly method: string
  /** The path of its URI, without slashes around it and without a query. */
  readonly service: string
  readonly version: string
  readonly fields: Head['fields']
  /** Bytes of the body that come first; undefined when all of it comes at once (section 4.5). */
  readonly preview: number | undefined
  /** Whether 204 may be the answer also outside of a preview: the client still has the content (section 4.6). */
  readonly allows204: boolean
  readonly keepsAlive: boolean
}

const START = /^([A-Z]{1,20}) (\S{1,8192}) (ICAP\/\d\.\d)$/
const AUTHORITY = /^icaps?:\/\/[^/?]*/i

/** @throws ProtocolError `PROTOCOL_MALFORMED` */
export function parseRequest({ start, fields }: Head): IcapRequest {
  const [, method, uri, version] = START.exec(start) ?? []
  if (method === undefined || uri === undefined || version === undefined)
    throw new ProtocolError('PROTOCOL_MALFORMED', 'this is no ICAP request')
  const preview = fields.get('preview')
  if (preview !== undefined && !/^\d{1,9}$/.test(preview))
    throw new ProtocolError('PROTOCOL_MALFORMED', 'the field Preview is no number')
  return {
    method,
    service: serviceOf(uri),
    version,
    fields,
    preview: preview === undefined ? undefined : Number(preview),
    allows204: listed(fields.get('allow'), '204'),
    keepsAlive: !listed(fields.get('connection'), 'close'),
  }
}

const serviceOf = (uri: string): string => {
  const [path = ''] = uri.replace(AUTHORITY, '').split('?', 1)
  return path.split('/').filter(Boolean).join('/')
}

const listed = (field: string | undefined, item: string): boolean =>
  (field ?? '').split(',').some((given) => given.trim().toLowerCase() === item)

/** What there is to judge: the message that the client means to pass on. */
export interface HttpMessage {
  readonly encapsulated: Encapsulated
  /** The head that goes with the body, as it came: what is given back when nothing was found. */
  readonly head: Buffer
  readonly headName: 'req-hdr' | 'res-hdr'
  /** What its content is called by: the URL without query and credentials, which may hold secrets. */
  readonly name: string
  readonly contentCoding: string | undefined
  readonly contentType: string | undefined
  /** Bytes of the body, as its head says. */
  readonly contentLength: number | undefined
}

const MAX_NAME = 255

/** Takes the encapsulated heads apart. @param heads as many bytes as `encapsulated` says */
export function httpMessage(method: string, encapsulated: Encapsulated, heads: Buffer): HttpMessage {
  const cut = (name: 'req-hdr' | 'res-hdr'): Buffer => {
    const at = encapsulated.heads[name]
    return heads.subarray(at?.start ?? 0, at?.end ?? 0)
  }
  const request = parseHead(cut('req-hdr'))
  const headName = method === 'REQMOD' ? 'req-hdr' : 'res-hdr'
  const head = cut(headName)
  const { fields } = method === 'REQMOD' ? request : parseHead(head)
  const length = fields.get('content-length')
  return {
    encapsulated,
    head,
    headName,
    name: nameOf(request),
    contentCoding: fields.get('content-encoding'),
    contentType: fields.get('content-type'),
    contentLength: length !== undefined && /^\d{1,15}$/.test(length) ? Number(length) : undefined,
  }
}

function nameOf({ start, fields }: Head): string {
  const [, target = ''] = start.split(' ', 2)
  const url = target.startsWith('/') ? `http://${fields.get('host') ?? ''}${target}` : target
  const bare = url.replace(/[?#].*$/s, '').replace(/^([a-z]{1,10}:\/\/)[^/@]*@/i, '$1')
  return bare === '' ? 'icap' : bare.slice(0, MAX_NAME)
}
