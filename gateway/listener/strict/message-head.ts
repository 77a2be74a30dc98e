import { STATUS_CODES } from 'node:http'
import type { HeaderList } from '../../../detectors/request.js'
import { sameToken } from '../../../detectors/transaction/bytes.js'

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

export function headFacts(headers: HeaderList): HeadFacts {
  let close = false
  let keepAlive = false
  let upgrade = false
  let webSocket = false
  let expectsContinue = false
  let transferEncoding = false
  let body = false
  for (const [name, value] of headers) {
    switch (name.length) {
      case 6:
        if (sameToken(name, 'expect') && sameToken(value, '100-continue')) expectsContinue = true
        break
      case 7:
        if (sameToken(name, 'upgrade') && sameToken(value, 'websocket')) webSocket = true
        break
      case 10:
        if (!sameToken(name, 'connection')) break
        if (value === 'keep-alive') {
          keepAlive = true
          break
        }
        for (const option of value.toLowerCase().split(',')) {
          const word = option.trim()
          if (word === 'close') close = true
          else if (word === 'keep-alive') keepAlive = true
          else if (word === 'upgrade') upgrade = true
        }
        break
      case 14:
        if (sameToken(name, 'content-length')) body = true
        break
      case 17:
        if (sameToken(name, 'transfer-encoding')) transferEncoding = true
        break
    }
  }
  body ||= transferEncoding
  return { close, keepAlive, upgrade, webSocket, expectsContinue, transferEncoding, body }
}
