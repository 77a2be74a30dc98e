import type { HeaderList } from '../detectors/request.js'
import { joinContentTypes } from '../detectors/transaction/content-type.js'
import { listValues } from './header-fields.js'
import { hopByHop } from './hop-by-hop.js'

export interface ForwardContext {
  readonly requestId: string
  /** Address of the connection's peer. */
  readonly peer: string
  /** The peer is in `trusted_proxies`: what it says about the client is kept and our own view is added to it. */
  readonly viaTrustedProxy: boolean
  readonly tls: boolean
  /** Authority that the request is for: the `Host` field, or the one of an absolute target. */
  readonly host: string
  /** The codings to ask for when the response may have to be read; undefined leaves what the client asked for. */
  readonly acceptEncoding?: string
  /** Where this request stands in its trace. */
  readonly traceparent: string
  /** The request goes on with a body of this many bytes; undefined when the length is not known or there is none. */
  readonly contentLength?: number
}

/** Many servers read `_` as `-`, so a field that only differs in that is the same one to them. */
const normal = (name: string): string => {
  const lower = name.toLowerCase()
  return lower.includes('_') ? lower.replaceAll('_', '-') : lower
}

const isForwarded = (name: string): boolean =>
  name.startsWith('x-forwarded-') || name === 'forwarded' || name === 'x-real-ip'

/** Framed or answered by this hop itself. */
const OURS: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'expect',
  'trailer',
  'x-request-id',
  'x-forwarded-for',
])

/**
 * The fields that go to the upstream, as undici wants them: name and value in turn. What the client says about itself
 * in `Forwarded` and `X-Forwarded-*` is replaced unless a trusted proxy said it; fields of one hop are left out; the
 * framing is ours. Request trailers are not passed on (RFC 9110, section 6.5.1, lets an intermediary drop them).
 */
export const forwardHeaders = (headers: HeaderList, context: ForwardContext): string[] => {
  const ends = hopByHop(headers)
  // Without a Host of its own (HTTP/1.0) the request goes on under the name of the upstream.
  const out: string[] = context.host === '' ? [] : ['host', context.host]
  const proto = context.tls ? 'https' : 'http'
  let protoGiven = false
  let hostGiven = false
  for (const [name, value] of joinContentTypes(headers)) {
    const lower = name.toLowerCase()
    if (ends(lower) || OURS.has(lower)) continue
    const plain = normal(name)
    if (plain === 'x-request-id' || plain === 'x-forwarded-for') continue
    if (isForwarded(plain)) {
      if (!context.viaTrustedProxy || plain !== lower) continue
      if (lower === 'x-forwarded-proto') protoGiven = true
      else if (lower === 'x-forwarded-host') hostGiven = true
    } else if (lower === 'accept-encoding' && context.acceptEncoding !== undefined) continue
    else if (lower === 'traceparent') continue
    out.push(name, value)
  }
  if (context.acceptEncoding !== undefined) out.push('accept-encoding', context.acceptEncoding)
  out.push('traceparent', context.traceparent)
  if (listValues(headers, 'te').some((coding) => coding.toLowerCase() === 'trailers'))
    out.push('te', 'trailers')
  const before = context.viaTrustedProxy ? listValues(headers, 'x-forwarded-for') : []
  out.push('x-forwarded-for', [...before, context.peer].join(', '))
  if (!protoGiven) out.push('x-forwarded-proto', proto)
  if (!hostGiven && context.host !== '') out.push('x-forwarded-host', context.host)
  out.push('x-request-id', context.requestId)
  if (context.contentLength !== undefined) out.push('content-length', String(context.contentLength))
  return out
}

/**
 * The fields of an upstream's response that go to the client: without those of one hop and without framing, which the
 * listener writes. `X-Request-Id` becomes ours.
 *
 * @param raw name and value in turn, as they came
 */
export const responseHeaders = (raw: HeaderList, requestId: string): HeaderList => {
  const ends = hopByHop(raw)
  const out: (readonly [string, string])[] = []
  for (const field of raw) {
    const lower = field[0].toLowerCase()
    if (ends(lower) || lower === 'content-length' || lower === 'x-request-id') continue
    out.push(field)
  }
  out.push(['X-Request-Id', requestId])
  return out
}
