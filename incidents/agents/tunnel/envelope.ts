import { createHmac, timingSafeEqual } from 'node:crypto'
import { AgentError } from '../errors.js'
import {
  formatLosslessJson,
  NumberLexeme,
  parseLosslessJson,
  toLosslessJson,
  type LosslessJson,
  type SendableJson,
} from './lossless-json.js'

/** Bytes of a message at most, both ways. */
export const MAX_MESSAGE_BYTES = 256 * 1024

/** What a message says; others are ignored by whoever reads them. */
export const MESSAGE_TYPES = ['task.dispatch', 'task.ack', 'task.result', 'heartbeat', 'error'] as const
export type MessageType = (typeof MESSAGE_TYPES)[number]

/** One message of a tunnel, before or after its signature. */
export interface Envelope {
  readonly id: string
  readonly type: string
  /** Seconds since the Unix epoch. */
  readonly ts: number
  readonly agent_id: string
  readonly payload: LosslessJson
}

/** Words of `error` messages that the other side understands. */
export type EnvelopeProblem = 'invalid_json' | 'missing_signature' | 'bad_signature'

/** A message that is not believed. */
export class EnvelopeError extends AgentError {
  constructor(
    readonly problem: EnvelopeProblem,
    message: string,
    /** Of the message, where it could be read. */
    readonly messageId?: string,
  ) {
    super('TUNNEL_ENVELOPE', message)
  }
}

const KEYS = ['id', 'type', 'ts', 'agent_id', 'payload', 'sig']

/** The bytes that the HMAC is taken over: compact, the envelope's keys in this order, without `sig`. */
const signedText = ({ id, type, ts, agent_id, payload }: Envelope): string =>
  `{"id":${JSON.stringify(id)},"type":${JSON.stringify(type)},"ts":${ts},` +
  `"agent_id":${JSON.stringify(agent_id)},"payload":${formatLosslessJson(payload)}}`

const signatureOf = (envelope: Envelope, secret: string): string =>
  `sha256=${createHmac('sha256', secret).update(signedText(envelope), 'utf8').digest('hex')}`

/** The text frame of a message. @throws RangeError for a payload that cannot be sent exactly */
export function sealEnvelope(
  message: Omit<Envelope, 'payload'> & { readonly payload: SendableJson },
  secret: string,
): string {
  const envelope = { ...message, payload: toLosslessJson(message.payload) }
  return `${signedText(envelope).slice(0, -1)},"sig":"${signatureOf(envelope, secret)}"}`
}

/**
 * Reads a text frame and believes it only with a good signature; one without any is refused too.
 *
 * @throws EnvelopeError
 */
export function openEnvelope(frame: string, secret: string): Envelope {
  let members
  try {
    members = parseLosslessJson(frame)
  } catch (error) {
    throw new EnvelopeError('invalid_json', error instanceof Error ? error.message : 'no JSON')
  }
  if (!isObject(members)) throw new EnvelopeError('invalid_json', 'a message is an object')
  const text = (key: string): string => {
    const value = members.get(key)
    if (typeof value !== 'string' || value === '' || value.length > 200)
      throw new EnvelopeError('invalid_json', `${key} is no text of 1 to 200 characters`)
    return value
  }
  const id = text('id')
  // What is not signed must not be there to be mistaken for signed.
  if ([...members.keys()].some((key) => !KEYS.includes(key)))
    throw new EnvelopeError('invalid_json', 'a member that no message has', id)
  const ts = members.get('ts')
  if (!(ts instanceof NumberLexeme) || !/^(?:0|[1-9][0-9]{0,14})$/.test(ts.text))
    throw new EnvelopeError('invalid_json', 'ts is no count of seconds', id)
  const payload = members.get('payload')
  if (payload === undefined || !isObject(payload))
    throw new EnvelopeError('invalid_json', 'payload is no object', id)
  const envelope = { id, type: text('type'), ts: Number(ts.text), agent_id: text('agent_id'), payload }
  const sig = members.get('sig')
  if (sig === undefined || sig === null) throw new EnvelopeError('missing_signature', 'no signature', id)
  if (typeof sig !== 'string' || !equal(sig, signatureOf(envelope, secret)))
    throw new EnvelopeError('bad_signature', 'the signature is not the one of this message', id)
  return envelope
}

const isObject = (value: LosslessJson): value is ReadonlyMap<string, LosslessJson> => value instanceof Map

const equal = (given: string, expected: string): boolean => {
  const a = Buffer.from(given, 'utf8')
  const b = Buffer.from(expected, 'utf8')
  return a.length === b.length && timingSafeEqual(a, b)
}
