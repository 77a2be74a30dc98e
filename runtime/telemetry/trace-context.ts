import { randomFillSync } from 'node:crypto'

/** Identity of one transaction in a distributed trace. */
export interface Trace {
  /** 32 lower-case hex digits. */
  readonly traceId: string
  /** 16 lower-case hex digits: our span, or the caller's when nobody listens here. */
  readonly spanId: string
  /** The caller's span. */
  readonly parentSpanId?: string
  readonly sampled: boolean
  /** The field to send on. */
  readonly traceparent: string
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/
const NO_TRACE = '0'.repeat(32)
const NO_SPAN = '0'.repeat(16)
/** Version 00 has this length exactly; a later one may go on after a dash (W3C Trace Context, section 4.3). */
const LENGTH = 55
const MAX_LENGTH = 512
const SAMPLED = 0x01

/** A caller's context. */
export interface RemoteParent {
  readonly traceId: string
  readonly spanId: string
  readonly flags: number
}

/**
 * Parses a `traceparent` field (W3C Trace Context, section 3.2).
 *
 * @returns undefined for anything that is not valid, which means: begin a trace of our own
 */
export const parseTraceparent = (field: string | undefined): RemoteParent | undefined => {
  if (field === undefined || field.length < LENGTH || field.length > MAX_LENGTH) return undefined
  const match = TRACEPARENT.exec(field.slice(0, LENGTH))
  if (!match) return undefined
  const [, version = '', traceId = '', spanId = '', flags = ''] = match
  if (version === 'ff' || traceId === NO_TRACE || spanId === NO_SPAN) return undefined
  if (field.length > LENGTH && (version === '00' || field[LENGTH] !== '-')) return undefined
  return { traceId, spanId, flags: Number.parseInt(flags, 16) }
}

const POOL_BYTES = 24 * 1024
const pool = Buffer.alloc(POOL_BYTES)
/** Of the pool, all at once; what of it was used is not used again. */
let digits = ''
let used = 0

/** Random hex digits of `bytes` bytes. */
const randomHex = (bytes: number): string => {
  if (used + 2 * bytes > digits.length) {
    digits = randomFillSync(pool).toString('hex')
    used = 0
  }
  const start = used
  used += 2 * bytes
  return digits.slice(start, used)
}

/** All zeros are the id of nothing. */
const randomId = (bytes: number, nothing: string): string => {
  for (;;) {
    const id = randomHex(bytes)
    if (id !== nothing) return id
  }
}

/**
 * Decides, without making any span, where a transaction stands in its trace. The caller's decision to sample is followed;
 * a trace that begins here is sampled by its random id.
 *
 * @param field the `traceparent` that came in, if any
 * @param ratio share of new traces to sample; undefined when no exporter listens: then a valid field is passed on as it is,
 *   because a span that nobody sees must not become a parent
 */
export const startTrace = (field: string | undefined, ratio: number | undefined): Trace => {
  const parent = parseTraceparent(field)
  if (parent && ratio === undefined)
    return {
      traceId: parent.traceId,
      spanId: parent.spanId,
      sampled: false,
      traceparent: (field ?? '').slice(0, MAX_LENGTH),
    }
  const traceId = parent?.traceId ?? randomId(16, NO_TRACE)
  const spanId = randomId(8, NO_SPAN)
  const sampled = parent ? (parent.flags & SAMPLED) !== 0 : ratio !== undefined && chosen(traceId, ratio)
  return {
    traceId,
    spanId,
    ...(parent && { parentSpanId: parent.spanId }),
    sampled,
    traceparent: `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`,
  }
}

/** The last 48 bits of a random id are a fair number to compare with. */
const chosen = (traceId: string, ratio: number): boolean =>
  Number.parseInt(traceId.slice(-12), 16) < ratio * 2 ** 48
