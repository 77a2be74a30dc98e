import type { HeaderList } from '../detectors/request.js'
import { joinContentTypes } from '../detectors/transaction/content-type.js'
import { listValues } from './header-fields.js'
import { HOP_BY_HOP, namedInConnection } from './hop-by-hop.js'
import { byName } from './listener/by-name.js'

export interface ForwardContext {
  readonly requestId: string
  /** Address of the connection's peer. */
  readonly peer: string
  /** The peer is in `trusted_proxies`: what it says about the client is kept and our own view is added to it. */
  readonly viaTrustedProxy: boolean
  readonly tls: boolean
  /** Authority that the request is for: the `Host` field, or the one of an absolute target; empty when it names none (HTTP/1.0). */
  readonly host: string
  /** Authority of the upstream, which stands in when the request names none. */
  readonly upstream: string
  /** The codings to ask for when the response may have to be read; undefined leaves what the client asked for. */
  readonly acceptEncoding?: string | undefined
  /** Where this request stands in its trace. */
  readonly traceparent: string
}

/** What becomes of a field on its way to the upstream. */
type Fate = 'pass' | 'hop' | 'ours' | 'proxy' | 'coding'

/** Fields that are met often, and those with a fate of their own, by their lower-case name. */
const FATES: ReadonlyMap<string, Fate> = new Map<string, Fate>([
  ...[
    'accept',
    'accept-language',
    'cache-control',
    'content-encoding',
    'content-type',
    'cookie',
    'origin',
  ].map((name) => [name, 'pass'] as const),
  ...['referer', 'sec-fetch-dest', 'sec-fetch-mode', 'sec-fetch-site', 'upgrade-insecure-requests'].map(
    (name) => [name, 'pass'] as const,
  ),
  ...['authorization', 'if-modified-since', 'if-none-match', 'range', 'user-agent'].map(
    (name) => [name, 'pass'] as const,
  ),
  ...HOP_BY_HOP.map((name) => [name, 'hop'] as const),
  // Framed or answered by this hop itself.
  ...['host', 'content-length', 'expect', 'trailer', 'traceparent', 'x-request-id', 'x-forwarded-for'].map(
    (name) => [name, 'ours'] as const,
  ),
  ...['forwarded', 'x-real-ip', 'x-forwarded-host', 'x-forwarded-proto'].map(
    (name) => [name, 'proxy'] as const,
  ),
  ['accept-encoding', 'coding'],
])

/** Of a response: those of one hop, its framing, and our id. */
const OURS_IN_RESPONSE: ReadonlySet<string> = new Set([...HOP_BY_HOP, 'content-length', 'x-request-id'])

/**
 * Many servers read `_` as `-`. To them a field that only differs in that is the one that was judged, framed or replaced here, so it
 * has no fate but to be left out: `Transfer_Encoding` would frame the body anew, `Content_Type` change what it is.
 */
const fateOf = (lower: string): Fate => {
  const known = FATES.get(lower)
  if (known !== undefined) return known
  const plain = lower.includes('_') ? lower.replaceAll('_', '-') : lower
  const proxy = plain.startsWith('x-forwarded-')
  if (plain === lower) return proxy ? 'proxy' : 'pass'
  return proxy || FATES.has(plain) ? 'ours' : 'pass'
}

const requestField = byName((name) => {
  const lower = name.toLowerCase()
  return { lower, fate: fateOf(lower) }
})

/**
 * The fields that go to the upstream: name and value in turn. What the client says about itself in `Forwarded` and
 * `X-Forwarded-*` is replaced unless a trusted proxy said it; fields of one hop are left out; the framing is written with them
 * (`upstream/request-writer.ts`). Request trailers are not passed on (RFC 9110, section 6.5.1, lets an intermediary drop them).
 */
export const forwardHeaders = (headers: HeaderList, context: ForwardContext): string[] => {
  const { host, viaTrustedProxy, acceptEncoding } = context
  const named = namedInConnection(headers)
  const out: string[] = ['host', host === '' ? context.upstream : host]
  let protoGiven = false
  let hostGiven = false
  let trailers = false
  for (const [name, value] of joinContentTypes(headers)) {
    const { lower, fate } = requestField(name)
    if (fate === 'ours') continue
    if (fate === 'hop') {
      if (lower === 'te') trailers ||= /(?:^|,)[ \t]*trailers[ \t]*(?:,|$)/i.test(value)
      continue
    }
    if (named?.has(lower) === true) continue
    if (fate === 'proxy') {
      if (!viaTrustedProxy) continue
      if (lower === 'x-forwarded-proto') protoGiven = true
      else if (lower === 'x-forwarded-host') hostGiven = true
    } else if (fate === 'coding' && acceptEncoding !== undefined) continue
    out.push(name, value)
  }
  if (acceptEncoding !== undefined) out.push('accept-encoding', acceptEncoding)
  out.push('traceparent', context.traceparent)
  if (trailers) out.push('te', 'trailers')
  const before = viaTrustedProxy ? listValues(headers, 'x-forwarded-for') : []
  out.push('x-forwarded-for', before.length === 0 ? context.peer : `${before.join(', ')}, ${context.peer}`)
  if (!protoGiven) out.push('x-forwarded-proto', context.tls ? 'https' : 'http')
  if (!hostGiven && host !== '') out.push('x-forwarded-host', host)
  out.push('x-request-id', context.requestId)
  return out
}

const responseField = byName((name) => {
  const lower = name.toLowerCase()
  return { lower, passes: !OURS_IN_RESPONSE.has(lower) }
})

/**
 * The fields of an upstream's response that go to the client: without those of one hop and without framing, which the
 * listener writes. `X-Request-Id` becomes ours.
 *
 * @param raw name and value in turn, as they came
 */
export const responseHeaders = (raw: HeaderList, requestId: string): HeaderList => {
  const named = namedInConnection(raw)
  const out: (readonly [string, string])[] = []
  for (const field of raw) {
    const { lower, passes } = responseField(field[0])
    if (passes && named?.has(lower) !== true) out.push(field)
  }
  out.push(['X-Request-Id', requestId])
  return out
}
