import type { HeaderList } from '../../detectors/request.js'

/** What a listener has to deliver for a request, when it delivers it at all. */
export interface Delivered {
  readonly method: string
  readonly target: string
  readonly httpVersion: '1.0' | '1.1'
  readonly headers: HeaderList
  readonly body: string
}

export interface SelfTestCase {
  readonly name: string
  /** What is sent, as a byte string. */
  readonly bytes: string
  /** Absent for bytes that no listener may deliver. */
  readonly delivered?: Delivered
}

const HOST = 'self.test'
const BASE: HeaderList = [
  ['Host', HOST],
  ['Connection', 'close'],
]

interface Parts {
  readonly method?: string
  readonly target?: string
  readonly version?: '1.0' | '1.1'
  readonly headers?: HeaderList
  /** The whole header list, in place of Host, Connection and `headers`. */
  readonly all?: HeaderList
  /** Body as it is sent, and as it must arrive when its framing changes that. */
  readonly body?: string
  readonly arrives?: string
}

function good(name: string, parts: Parts): SelfTestCase {
  const { method = 'GET', target = '/self-test', version = '1.1', body = '' } = parts
  const headers = parts.all ?? [...BASE, ...(parts.headers ?? [])]
  const lines = headers.map(([field, value]) => `${field}: ${value}\r\n`).join('')
  return {
    name,
    bytes: `${method} ${target} HTTP/${version}\r\n${lines}\r\n${body}`,
    delivered: { method, target, httpVersion: version, headers, body: parts.arrives ?? body },
  }
}

function bad(name: string, bytes: string): SelfTestCase {
  return { name, bytes }
}

const START = `GET /self-test HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n`
const POST = `POST /self-test HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n`
const CHUNKED: HeaderList = [['Transfer-Encoding', 'chunked']]

/** The listener rule as requests: each must arrive as it was sent, or be refused and reported. */
export const SELF_TEST_CASES: readonly SelfTestCase[] = [
  good('high byte at the end of a value', { headers: [['Cookie', 'n=Jos\xe9']] }),
  good('high byte at the start of a value', { headers: [['X-A', '\xe9t\xe9 1']] }),
  good('value of UTF-8 text', { headers: [['X-A', 'a \xc3\xa9 b']] }),
  good('value that is not UTF-8', { headers: [['X-A', 'a \xff\xfe b']] }),
  good('plain request', {}),
  good('every byte that a value may hold', { headers: [['X-A', `a${printable()}z`]] }),
  good('underscore in a name', { headers: [['X_A', '1']] }),
  good('every character of a token in a name', { headers: [["X!#$%&'*+-.^_`|~09", '1']] }),
  good('sixty fields', { headers: Array.from({ length: 58 }, (_, i) => [`X-${i}`, `${i}`] as const) }),
  good('the same field three times', {
    headers: [
      ['Cookie', 'a=1'],
      ['cookie', 'b=2'],
      ['COOKIE', 'a=3'],
    ],
  }),
  good('empty values', {
    headers: [
      ['X-A', ''],
      ['X-B', ''],
      ['X-C', '1'],
    ],
  }),
  good('tab inside a value', { headers: [['X-A', 'a\tb']] }),
  good('long value', { headers: [['X-A', 'a'.repeat(6000)]] }),
  good('HTTP/1.0', { version: '1.0' }),
  good('HTTP/1.0 without Host', { version: '1.0', all: [['Connection', 'close']] }),
  good('HTTP/1.1 without Host', { all: [['Connection', 'close']] }),
  good('several Host', { headers: [['Host', 'other.test']] }),
  good('absolute-form', { target: `http://${HOST}/self-test?a=1` }),
  good('asterisk-form', { method: 'OPTIONS', target: '*' }),
  good('WebDAV method', { method: 'PROPFIND' }),
  good('unknown method', { method: 'SELFTEST' }),
  good('lower-case method', { method: 'get' }),
  good('query without a value', { target: '/self-test?' }),
  good('escapes and odd characters in a target', {
    target: '/self-test/%2e%2E/a%00b/;x?a=%zz&b=\'()|{}[]"<>`^\\',
  }),
  good('high bytes in a target', { target: '/self-test/\xe9\xff?\xc3\xa9' }),
  good('fragment in a target', { target: '/self-test#a?b#c' }),
  good('body on GET', { headers: [['Content-Length', '3']], body: 'abc' }),
  good('body of every byte', { method: 'POST', headers: [['Content-Length', '256']], body: everyByte() }),
  good('chunked body', {
    method: 'POST',
    headers: CHUNKED,
    body: '3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n',
    arrives: 'abc0123456789',
  }),
  good('chunk extensions', {
    method: 'POST',
    headers: CHUNKED,
    body: '3;a=1;b="2"\r\nabc\r\n0\r\n\r\n',
    arrives: 'abc',
  }),
  good('trailers', {
    method: 'POST',
    headers: CHUNKED,
    body: '3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n',
    arrives: 'abc',
  }),
  good('same Content-Length twice', {
    method: 'POST',
    headers: [
      ['Content-Length', '3'],
      ['Content-Length', '3'],
    ],
    body: 'abc',
  }),
  bad('differing Content-Length', `${POST}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc`),
  bad('Content-Length with a sign', `${POST}Content-Length: +3\r\n\r\nabc`),
  bad('Content-Length as a list', `${POST}Content-Length: 3, 3\r\n\r\nabc`),
  bad('Content-Length in hex', `${POST}Content-Length: 0x3\r\n\r\nabc`),
  bad('Content-Length beyond any integer', `${POST}Content-Length: 99999999999999999999\r\n\r\nabc`),
  bad(
    'Content-Length with Transfer-Encoding',
    `${POST}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ),
  bad('unknown transfer coding', `${POST}Transfer-Encoding: xchunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`),
  bad('chunked not last', `${POST}Transfer-Encoding: chunked, gzip\r\n\r\n3\r\nabc\r\n0\r\n\r\n`),
  bad(
    'Transfer-Encoding twice',
    `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n`,
  ),
  bad(
    'Transfer-Encoding in HTTP/1.0',
    `${POST.replace('1.1', '1.0')}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ),
  bad('folded field', `${START}X-A: 1\r\n 2\r\n\r\n`),
  bad('bare LF after a field', `${START}X-A: 1\nX-B: 2\r\n\r\n`),
  bad('bare CR in a value', `${START}X-A: 1\r2\r\n\r\n`),
  bad('NUL in a value', `${START}X-A: 1\x002\r\n\r\n`),
  bad('space before the colon', `${START}X-A : 1\r\n\r\n`),
  bad('empty field name', `${START}: 1\r\nX-A: 2\r\n\r\n`),
  bad('field without a colon', `${START}X-A\r\n\r\n`),
  bad('high byte in a name', `${START}X-\xe9: 1\r\n\r\n`),
  bad('space in the target', START.replace('/self-test', '/self test') + '\r\n'),
  bad('HTTP/2.0 in text', START.replace('1.1', '2.0') + '\r\n'),
  bad('HTTP/1.2', START.replace('1.1', '1.2') + '\r\n'),
  bad('no version', 'GET /self-test\r\n\r\n'),
  bad('chunk size that is no number', `${POST}Transfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n`),
  bad('chunk longer than its size', `${POST}Transfer-Encoding: chunked\r\n\r\n3\r\nabcde\r\n0\r\n\r\n`),
  bad(
    'chunk size beyond any integer',
    `${POST}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff3\r\nabc\r\n0\r\n\r\n`,
  ),
  bad('CONNECT', `CONNECT ${HOST}:443 HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`),
]

function printable(): string {
  return Array.from({ length: 0x7f - 0x20 }, (_, i) => String.fromCharCode(0x20 + i)).join('')
}

function everyByte(): string {
  return Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join('')
}
