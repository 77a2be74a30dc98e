import type { FtwInput } from './test-file.js'

/** The bytes that a stage sends, with what autocompletion adds. */
export function requestBytes(stage: FtwInput): Buffer {
  if (stage.encoded_request !== undefined) return Buffer.from(stage.encoded_request, 'base64')
  const complete = stage.autocomplete_headers ?? !(stage.stop_magic ?? false)
  const method = stage.method ?? 'GET'
  const headers: [string, string][] = stage.ordered_headers
    ? stage.ordered_headers.map(({ name, value }) => [name, value])
    : Object.entries(stage.headers ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
  const find = (name: string): string[] =>
    headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value.toLowerCase())
  let body = bodyOf(stage)
  if (body.length > 0 && complete) {
    if (find('content-type').length === 0) headers.push(['Content-Type', 'application/x-www-form-urlencoded'])
    if (find('content-type').includes('application/x-www-form-urlencoded')) body = encodeForm(body)
  }
  if (find('content-type').some((value) => value.includes('multipart/form-data;')))
    body = Buffer.from(body.toString('latin1').replaceAll('\n', '\r\n'), 'latin1')
  if (complete) {
    if (find('connection').length === 0) headers.push(['Connection', 'close'])
    if (find('content-length').length === 0 && (body.length > 0 || /^(POST|PUT|PATCH|DELETE)$/.test(method)))
      headers.push(['Content-Length', String(body.length)])
  }
  const head =
    `${method} ${stage.uri ?? '/'} ${stage.version ?? 'HTTP/1.1'}\r\n` +
    headers.map(([name, value]) => `${name}: ${value}\r\n`).join('') +
    '\r\n'
  return Buffer.concat([Buffer.from(head, 'utf8'), body])
}

function bodyOf(stage: FtwInput): Buffer {
  if (stage.data !== undefined)
    return Buffer.from(
      stage.data.replace(/\{\{\s*"([^"]*)"\s*\|\s*repeat\s+(\d+)\s*\}\}/g, (_, text: string, times: string) =>
        text.repeat(Number(times)),
      ),
      'utf8',
    )
  return Buffer.from(stage.encoded_data ?? '', 'base64')
}

/** Encodes a form's keys and values unless it looks encoded, that is, unless decoding would change it. */
function encodeForm(body: Buffer): Buffer {
  const text = body.toString('latin1')
  if (/[+]|%[0-9a-f]{2}/i.test(text) || /%(?![0-9a-f]{2})/i.test(text)) return body
  const encoded = text
    .replace(/&$/, '')
    .split('&')
    .map((pair) => {
      const equals = pair.indexOf('=')
      return equals < 0
        ? queryEscape(pair)
        : `${queryEscape(pair.slice(0, equals))}=${queryEscape(pair.slice(equals + 1))}`
    })
    .join('&')
  return Buffer.from(encoded, 'latin1')
}

/** Percent-encoding of a form's value: unreserved characters stay, a space becomes a plus. */
const queryEscape = (text: string): string =>
  text.replace(/[^A-Za-z0-9_.~-]/g, (char) =>
    char === ' ' ? '+' : `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
