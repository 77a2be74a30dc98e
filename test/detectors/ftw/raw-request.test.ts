import fc from 'fast-check'
import t from 'tap'
import { parseRaw } from '../../../detectors/ftw/raw-request.js'

const raw = (text: string) => parseRaw(Buffer.from(text, 'latin1'))
const request = (line: string) => raw(`${line}\r\nHost: localhost\r\n\r\n`)

t.test('any version is read, for a rule decides on it', (t) => {
  for (const version of ['1.0', '1.1', '1.2', '2.0', '3.0', '4.0'])
    t.match(request(`GET / HTTP/${version}`), { version, refused: false })
  t.match(request('GET / HTTP/0.9'), { version: '0.9', refused: true }, 'a version before versions had names')
  for (const line of [
    'GET / HTTP/10.1',
    'GET / HTTP/1.',
    'GET / http/1.1',
    'GET / JUNK/1.0',
    'GET  / HTTP/1.1',
  ])
    t.equal(request(line), undefined, line)
  t.end()
})

t.test('a line without a version is a simple request and has no fields', (t) => {
  t.match(request('GET /?a=b'), { target: '/?a=b', version: '0.9', headers: [], refused: false })
  t.end()
})

t.test('framing', (t) => {
  const body = (head: string, content: string) =>
    raw(`POST / HTTP/1.1\r\nHost: a\r\n${head}\r\n\r\n${content}`)
  t.equal(String(body('Content-Length: 3', 'a=bc')?.body), 'a=b')
  const both = body('Content-Length: 1\r\nTransfer-Encoding: chunked', '3\r\na=b\r\n0\r\n\r\n')
  t.equal(String(both?.body), 'a=b')
  t.notOk(both?.headers.some(([name]) => name === 'Content-Length'))
  t.same(body('X: a\r\n b', '')?.headers.at(-1), ['X', 'a b'])
  t.equal(body('X: a\rb', ''), undefined)
  t.match(raw('GET / HTTP/1.1\r\n\r\n'), { refused: true }, 'no Host')
  t.end()
})

t.test('any bytes are a request or none', (t) => {
  const bytes = fc.string({
    unit: fc.constantFrom('GET ', '/', 'HTTP/1.1', '\r\n', ': ', 'a', '\0', ' ', '3', 'chunked'),
  })
  fc.assert(fc.property(bytes, (text) => (raw(text)?.method.length ?? 1) > 0))
  t.end()
})
