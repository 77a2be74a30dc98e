import t from 'tap'
import { parseEncapsulated } from '../../../../scanner/protocols/icap/encapsulated.js'
import { parseHead } from '../../../../scanner/protocols/icap/head.js'
import { httpMessage, parseRequest } from '../../../../scanner/protocols/icap/request.js'
import { growth } from '../../../proofs/random.js'

const head = (...lines: string[]) => parseHead(Buffer.from(lines.join('\r\n')))

t.test('a service is the path of the URI, whatever stands around it', async (t) => {
  for (const uri of ['icap://h/scan', 'icap://h:1344/scan/', 'ICAPS://h//scan?a=b/c', '/scan', 'scan?x'])
    t.equal(parseRequest(head(`OPTIONS ${uri} ICAP/1.0`)).service, 'scan', uri)
})

t.test('fields may be folded and repeated', async (t) => {
  const { fields } = head('start', 'Allow: 206', 'ALLOW: 204', 'X: a', ' b', '\tc', 'none', ' of it', 'Y:z')
  t.strictSame(
    [...fields],
    [
      ['allow', '206, 204'],
      ['x', 'a b c'],
      ['y', 'z'],
    ],
  )
})

t.test('a content is called by its URL, without what may be secret', async (t) => {
  const named = (...lines: string[]): string => {
    const bytes = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`)
    const encapsulated = parseEncapsulated(`req-hdr=0, null-body=${bytes.length}`, 'REQMOD')
    return httpMessage('REQMOD', encapsulated, bytes).name
  }
  t.equal(named('GET http://u:p@example.org/a?b=c HTTP/1.1'), 'http://example.org/a')
  t.equal(named('GET /a/b#c HTTP/1.1', 'Host: example.org'), 'http://example.org/a/b')
  t.equal(named(''), 'icap')
  t.equal(named(`GET /${'a'.repeat(999)} HTTP/1.1`).length, 255)
})

t.test('parsing is linear', async (t) => {
  /** @param make makes what is parsed, which is not measured: a large text costs more than its parts */
  const factor = <T>(make: (n: number) => T, parse: (input: T) => unknown, size: number): number =>
    growth((n) => {
      const input = make(n)
      return () => {
        try {
          return parse(input)
        } catch {
          return undefined
        }
      }
    }, size)
  const slashes = (n: number) => Buffer.from(`OPTIONS icap://h/${'/a'.repeat(n)} ICAP/1.0`)
  t.ok(factor(slashes, (line) => parseRequest(parseHead(line)), 1_000) < 10, 'slashes')
  t.ok(factor((n) => Buffer.from(`x\r\nA:${'\r\n b'.repeat(n)}`), parseHead, 5_000) < 10, 'folds')
  const encapsulated = (field: string) => parseEncapsulated(field, 'REQMOD')
  t.ok(factor((n) => ','.repeat(n), encapsulated, 50_000) < 10, 'commas')
  t.ok(factor((n) => ' '.repeat(n), encapsulated, 50_000) < 10, 'blanks')
})
