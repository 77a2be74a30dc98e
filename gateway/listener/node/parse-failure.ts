import { type ParseFailure, SAMPLE_BYTES } from '../parse-failure.js'

/** What node's HTTP parser and its clock reject. Undefined when the error is one of the connection and not of what was sent. */
export function parseFailure(error: Error): ParseFailure | undefined {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const sample =
    'rawPacket' in error && error.rawPacket instanceof Uint8Array
      ? { sample: error.rawPacket.slice(0, SAMPLE_BYTES) }
      : {}
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return { reason: 'headers_timeout', status: 408 }
  if (code === 'HPE_HEADER_OVERFLOW') return { reason: 'header_overflow', status: 431, ...sample }
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW')
    return { reason: 'chunk_extensions_overflow', status: 413, ...sample }
  if (!code.startsWith('HPE_')) return undefined
  return { reason: code.slice('HPE_'.length).toLowerCase(), status: 400, ...sample }
}
