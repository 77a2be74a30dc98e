import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'

import { GatewayError } from '../errors.js'
import { byName } from '../listener/by-name.js'
import { byteString } from '../../detectors/transaction/bytes.js'
import type { UpstreamRequest } from './request.js'

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** What cannot stand in a target, nor in the value of a field; chars over U+00FF would be sent as other bytes. */
const NOT_IN_TARGET = /[^\x21-\x7e\x80-\xff]/
const NOT_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/
/** Node writes a string of up to so many bytes without taking memory for it: a head and a body up to there leave in one. */
const JOINED_BYTES = 16 * 1024
const isToken = byName((name) => TOKEN.test(name))
/** Methods whose requests mostly have content, so that its absence is to be said (RFC 9110 section 8.6). */
const WITH_CONTENT: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])

const cannotBeSent = (what: string): GatewayError =>
  new GatewayError('GATEWAY_UPSTREAM_REQUEST', `${what} holds what cannot be sent to an upstream`)

/**
 * The head of a request with its framing, as a byte string.
 *
 * @throws GatewayError `GATEWAY_UPSTREAM_REQUEST` for a method, target or field that would break the framing
 */
export const requestHead = ({ method, path, headers, body, contentLength }: UpstreamRequest): string => {
  if (!isToken(method)) throw cannotBeSent('the method')
  if (path === '' || NOT_IN_TARGET.test(path)) throw cannotBeSent('the target')
  let head = `${method} ${path} HTTP/1.1\r\n`
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] ?? ''
    const value = headers[at + 1] ?? ''
    // Before they are joined: a pattern first copies a string that is made of others.
    if (!isToken(name) || NOT_IN_VALUE.test(value)) throw cannotBeSent('a header field')
    head += `${name}: ${value}\r\n`
  }
  if (contentLength !== undefined) head += `content-length: ${contentLength}\r\n`
  else if (body !== null) head += 'transfer-encoding: chunked\r\n'
  else if (WITH_CONTENT.has(method)) head += 'content-length: 0\r\n'
  return `${head}\r\n`
}

/** Writes a head with a body that is all here. */
export const writeWhole = (socket: Socket, head: string, body: Uint8Array | null): void => {
  if (body === null || body.length === 0) {
    socket.write(head, 'latin1')
    return
  }
  if (head.length + body.length <= JOINED_BYTES) {
    socket.write(head + byteString(body), 'latin1')
    return
  }
  socket.cork()
  socket.write(head, 'latin1')
  socket.write(body)
  socket.uncork()
}

export interface BodyEvents {
  /** Bytes left. */
  progress(): void
  sent(): void
  /** The body broke off, or is not as long as was said: the connection is of no use any more. */
  failed(error: Error): void
}

/** Sends a body as it comes, with backpressure. */
export class BodyPump {
  readonly #socket: Socket
  readonly #body: Readable
  readonly #events: BodyEvents
  /** Bytes to come; undefined for chunked framing. */
  #left: number | undefined
  readonly #drained = (): void => void this.#body.resume()

  constructor(socket: Socket, body: Readable, contentLength: number | undefined, events: BodyEvents) {
    this.#socket = socket
    this.#body = body
    this.#events = events
    this.#left = contentLength
    socket.on('drain', this.#drained)
    body.on('data', (chunk: Buffer) => this.#write(chunk))
    body.once('end', () => this.#end())
    body.once('error', (error) => events.failed(error))
  }

  /** Nobody wants the rest. */
  stop(): void {
    this.#socket.off('drain', this.#drained)
    this.#body.removeAllListeners('data').removeAllListeners('end').destroy()
  }

  #write(chunk: Buffer): void {
    const socket = this.#socket
    let flowing: boolean
    if (this.#left === undefined) {
      socket.cork()
      socket.write(`${chunk.length.toString(16)}\r\n`, 'latin1')
      socket.write(chunk)
      flowing = socket.write('\r\n', 'latin1')
      socket.uncork()
    } else {
      this.#left -= chunk.length
      if (this.#left < 0) {
        this.#events.failed(cannotBeSent('a body that is longer than announced'))
        return
      }
      flowing = socket.write(chunk)
    }
    if (!flowing) this.#body.pause()
    this.#events.progress()
  }

  #end(): void {
    if (this.#left === undefined) this.#socket.write('0\r\n\r\n', 'latin1')
    else if (this.#left > 0) {
      this.#events.failed(cannotBeSent('a body that is shorter than announced'))
      return
    }
    this.#socket.off('drain', this.#drained)
    this.#events.sent()
  }
}
