import { STATUS_CODES } from 'node:http'
import type { HeaderList } from '../../../detectors/request.js'

const STATUS_LINES = new Map<number, string>()

/** The status line with its CRLF. */
export function statusLine(status: number): string {
  let line = STATUS_LINES.get(status)
  if (line === undefined) {
    line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`
    STATUS_LINES.set(status, line)
  }
  return line
}

/** Fields as they are sent, each with its CRLF. */
export function fieldLines(headers: HeaderList): string {
  let lines = ''
  for (const [name, value] of headers) lines += `${name}: ${value}\r\n`
  return lines
}

/** What the fields of a request's head say about its connection and its body. */
export interface HeadFacts {
  /** Options of `Connection` (RFC 9110 section 7.6.1). */
  readonly close: boolean
  readonly keepAlive: boolean
  readonly upgrade: boolean
  /** `Upgrade: websocket` is asked for. */
  readonly webSocket: boolean
  readonly expectsContinue: boolean
  readonly transferEncoding: boolean
  /** A body is announced, in whatever way. */
  readonly body: boolean
}

const NOTHING: HeadFacts = {
  close: false,
  keepAlive: false,
  upgrade: false,
  webSocket: false,
  expectsContinue: false,
  transferEncoding: false,
  body: false,
}

export function headFacts(headers: HeaderList): HeadFacts {
  let facts: { -readonly [Key in keyof HeadFacts]: boolean } | undefined
  for (const [name, value] of headers) {
    switch (name.length) {
      case 6:
        if (name.toLowerCase() === 'expect' && value.toLowerCase() === '100-continue')
          (facts ??= { ...NOTHING }).expectsContinue = true
        break
      case 7:
        if (name.toLowerCase() === 'upgrade' && value.toLowerCase() === 'websocket')
          (facts ??= { ...NOTHING }).webSocket = true
        break
      case 10:
        if (name.toLowerCase() === 'connection') {
          facts ??= { ...NOTHING }
          const options = value.toLowerCase()
          if (options === 'keep-alive') facts.keepAlive = true
          else
            for (const option of options.split(',')) {
              const word = option.trim()
              if (word === 'close') facts.close = true
              else if (word === 'keep-alive') facts.keepAlive = true
              else if (word === 'upgrade') facts.upgrade = true
            }
        }
        break
      case 14:
        if (name.toLowerCase() === 'content-length') (facts ??= { ...NOTHING }).body = true
        break
      case 17:
        if (name.toLowerCase() === 'transfer-encoding') {
          facts ??= { ...NOTHING }
          facts.transferEncoding = true
          facts.body = true
        }
        break
    }
  }
  return facts ?? NOTHING
}
