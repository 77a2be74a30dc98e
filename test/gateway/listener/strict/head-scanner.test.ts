import fc from 'fast-check'
import t from 'tap'
import { SELF_TEST_CASES } from '../../../../gateway/listener/self-test-cases.js'
import { HeadScanner, type RequestHead } from '../../../../gateway/listener/strict/head-scanner.js'
import { growth } from '../../../detectors/seclang/work.js'

type Outcome = RequestHead | { readonly reason: string; readonly status: number } | 'more'

/** What comes of bytes that arrive in these pieces. */
function read(text: string, cuts: readonly number[] = [], maxBytes = 16 * 1024, before = 0): Outcome {
  const bytes = Buffer.concat([Buffer.alloc(before, 'x'), Buffer.from(text, 'latin1')])
  const scanner = new HeadScanner(maxBytes)
  const ends = [...new Set(cuts.map((cut) => before + (cut % (text.length + 1))))].toSorted((a, b) => a - b)
  for (const end of [...ends, bytes.length]) {
    const result = scanner.scan(bytes, before, end)
    if (result === 'failed') return scanner.failure
    if (result === 'done') return scanner.request(bytes, before)
  }
  return 'more'
}

const LINE = 'GET / HTTP/1.1\r\n'

await t.test('a head is read to the letter', (t) => {
  t.same(
    read(
      'M-.~ /a?%00\xe9|"<> HTTP/1.1\r\nHost: a.test\r\nX!#$%&\'*+-.^_`|~9:\r\ncookie: \t a \tb\xff\t \r\n\r\nrest',
    ),
    {
      method: 'M-.~',
      target: '/a?%00\xe9|"<>',
      httpVersion: '1.1',
      headers: [
        ['Host', 'a.test'],
        ["X!#$%&'*+-.^_`|~9", ''],
        ['cookie', 'a \tb\xff'],
      ],
    },
  )
  t.same(read('\r\nget * HTTP/1.0\r\n\r\n'), {
    method: 'get',
    target: '*',
    httpVersion: '1.0',
    headers: [],
  })
  t.equal(read('GET / HTTP/1.1\r\nHost: a\r\n'), 'more')
  t.equal(read(''), 'more')
  t.end()
})

await t.test('what is not to the letter has a reason', (t) => {
  const cases: readonly (readonly [bytes: string, reason: string, status?: number])[] = [
    ['\r\n\r\nGET / HTTP/1.1\r\n\r\n', 'empty_line'],
    ['\nGET / HTTP/1.1\r\n\r\n', 'bare_lf'],
    ['\rGET / HTTP/1.1\r\n\r\n', 'bare_cr'],
    [' GET / HTTP/1.1\r\n\r\n', 'invalid_method'],
    ['G@T / HTTP/1.1\r\n\r\n', 'invalid_method'],
    ['\x16\x03\x01\x02', 'invalid_method'],
    ['G\0T / HTTP/1.1\r\n\r\n', 'nul_byte'],
    [`${'M'.repeat(65)} / HTTP/1.1\r\n\r\n`, 'method_overflow', 501],
    ['GET\t/ HTTP/1.1\r\n\r\n', 'invalid_method'],
    ['GET  / HTTP/1.1\r\n\r\n', 'invalid_target'],
    ['GET /\t HTTP/1.1\r\n\r\n', 'invalid_target'],
    ['GET /\x7f HTTP/1.1\r\n\r\n', 'invalid_target'],
    ['GET /\0 HTTP/1.1\r\n\r\n', 'nul_byte'],
    ['GET /a b HTTP/1.1\r\n\r\n', 'invalid_version'],
    ['GET /\r\n\r\n', 'missing_version'],
    ['GET /\n', 'missing_version'],
    ['GET /  HTTP/1.1\r\n\r\n', 'invalid_version'],
    ['GET / http/1.1\r\n\r\n', 'invalid_version'],
    ['GET / HTTP/1.x\r\n\r\n', 'invalid_version'],
    ['GET / HTTP/1.1 \r\n\r\n', 'bare_cr'],
    ['GET / HTTP/1.1\n\n', 'bare_lf'],
    ['GET / HTTP/1.1\r\r\n', 'bare_cr'],
    ['GET / HTTP/1.10\r\n\r\n', 'bare_cr'],
    ['GET / HTTP/1.2\r\n\r\n', 'unsupported_version', 505],
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'unsupported_version', 505],
    ['GET / HTTP/0.9\r\n\r\n', 'unsupported_version', 505],
    [`${LINE} Host: a\r\n\r\n`, 'line_folding'],
    [`${LINE}A: 1\r\n\t2\r\n\r\n`, 'line_folding'],
    [`${LINE}: a\r\n\r\n`, 'empty_header_name'],
    [`${LINE}Host : a\r\n\r\n`, 'space_before_colon'],
    [`${LINE}Host\t: a\r\n\r\n`, 'space_before_colon'],
    [`${LINE}Host\r\n\r\n`, 'missing_colon'],
    [`${LINE}Ho\0st: a\r\n\r\n`, 'nul_byte'],
    [`${LINE}\0: a\r\n\r\n`, 'nul_byte'],
    [`${LINE}Ho(st: a\r\n\r\n`, 'invalid_header_name'],
    [`${LINE}X-\xe9: a\r\n\r\n`, 'invalid_header_name'],
    [`${LINE}A: 1\nB: 2\r\n\r\n`, 'bare_lf'],
    [`${LINE}A: 1\rB: 2\r\n\r\n`, 'bare_cr'],
    [`${LINE}A: 1\0\r\n\r\n`, 'nul_byte'],
    [`${LINE}A: \x01\r\n\r\n`, 'invalid_header_value'],
    [`${LINE}A: \x7f\r\n\r\n`, 'invalid_header_value'],
    [`${LINE}A: 1\r\n\n`, 'bare_lf'],
    [`${LINE}A: 1\r\n\rGET`, 'bare_cr'],
  ]
  for (const [bytes, reason, status = 400] of cases)
    t.same(read(bytes), { reason, status }, JSON.stringify(bytes))
  t.end()
})

await t.test('a head over its limit names what was too long; one byte less passes', (t) => {
  const head = `${LINE}Host: a\r\nX-A: ${'a'.repeat(2000)}\r\n\r\n`
  t.match(read(head, [], head.length + 1), { method: 'GET' })
  t.match(read(head, [], head.length), { method: 'GET' })
  t.same(read(head, [], head.length - 1), { reason: 'header_overflow', status: 431 })
  t.same(read(head.slice(0, 1500), [], 1500), { reason: 'header_overflow', status: 431 })
  t.same(read(`GET /${'a'.repeat(2000)}`, [], 1024), { reason: 'target_overflow', status: 414 })
  t.end()
})

/** Requests with a few bytes changed. */
const mutated = fc
  .tuple(
    fc.constantFrom(...SELF_TEST_CASES.map(({ bytes }) => bytes)),
    fc.array(fc.tuple(fc.nat({ max: 500 }), fc.constantFrom(...'\r\n\0\t :;,#?/\x7f\x80\xff0H'.split(''))), {
      maxLength: 3,
    }),
  )
  .map(([text, changes]) => {
    let result = text
    for (const [at, byte] of changes) {
      const i = at % result.length
      result = result.slice(0, i) + byte + result.slice(i + (at % 2))
    }
    return result
  })

await t.test('any split of the bytes, at any place in a buffer, gives the same', (t) => {
  fc.assert(
    fc.property(
      mutated,
      fc.array(fc.nat({ max: 8000 }), { maxLength: 40 }),
      fc.nat({ max: 50 }),
      fc.constantFrom(40, 1024, 16 * 1024),
      (text, cuts, before, maxBytes) => {
        const whole = read(text, [], maxBytes)
        t.same(read(text, cuts, maxBytes, before), whole)
        const each = Array.from({ length: Math.min(text.length, 300) }, (_, i) => i)
        t.same(read(text, each, maxBytes), whole)
      },
    ),
    { numRuns: 1000 },
  )
  t.end()
})

await t.test('what is read can be written again: the bytes are those that were sent', (t) => {
  const token = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,30}$/)
  const value = fc.stringMatching(/^([!-~\x80-\xff]([\t -~\x80-\xff]{0,40}[!-~\x80-\xff])?)?$/)
  const target = fc.stringMatching(/^[!-~\x80-\xff]{1,60}$/)
  fc.assert(
    fc.property(
      token,
      target,
      fc.array(fc.tuple(token, value), { maxLength: 30 }),
      (method, path, headers) => {
        const lines = headers.map(([name, text]) => `${name}: ${text}\r\n`).join('')
        t.same(read(`${method} ${path} HTTP/1.1\r\n${lines}\r\n`), {
          method,
          target: path,
          httpVersion: '1.1',
          headers,
        })
      },
    ),
    { numRuns: 500 },
  )
  t.end()
})

await t.test('the time is linear in the bytes, also when they come one by one', (t) => {
  const whole = (text: (size: number) => string) => (size: number) => {
    const bytes = Buffer.from(text(size), 'latin1')
    const scanner = new HeadScanner(64 * 1024 * 1024)
    if (scanner.scan(bytes, 0, bytes.length) === 'done') scanner.request(bytes, 0)
  }
  const dripped = (size: number): void => {
    const bytes = Buffer.from(`${LINE}A: ${'a'.repeat(size)}`, 'latin1')
    const scanner = new HeadScanner(64 * 1024 * 1024)
    for (let end = 1; end <= bytes.length; end++) scanner.scan(bytes, 0, end)
  }
  t.ok(
    growth(
      whole((size) => `${LINE}A: ${' '.repeat(size)}b\r\n\r\n`),
      400_000,
    ) < 8,
  )
  t.ok(
    growth(
      whole((size) => `${LINE}A: b${' \t'.repeat(size)}\r\n\r\n`),
      200_000,
    ) < 8,
  )
  t.ok(
    growth(
      whole((size) => `${LINE}${'A:\r\n'.repeat(size)}\r\n`),
      50_000,
    ) < 8,
  )
  t.ok(
    growth(
      whole((size) => `GET /${'a'.repeat(size)} HTTP/1.1\r\n\r\n`),
      400_000,
    ) < 8,
  )
  t.ok(growth(dripped, 100_000) < 8)
  t.end()
})
