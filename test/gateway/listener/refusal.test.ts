import t from 'tap'
import type { HeaderList } from '../../../detectors/request.js'
import { announcedLength, type RequestFacts, refusalOf } from '../../../gateway/listener/refusal.js'
import { growth } from '../../detectors/seclang/work.js'

const HOST: HeaderList = [['Host', 'a.test']]

function facts(headers: HeaderList, more: Partial<RequestFacts> = {}): RequestFacts {
  return { method: 'GET', target: '/', httpVersion: '1.1', headers, ...more }
}

await t.test('ordinary requests are not refused', (t) => {
  for (const request of [
    facts(HOST),
    facts([['hOST', '']], { httpVersion: '1.0' }),
    facts(HOST, { target: '/a?b=%23' }),
    facts([['Host', '[::1]:8080']]),
    facts([], { httpVersion: '1.0' }),
    facts([...HOST, ['Content-Length', '0']]),
    facts([...HOST, ['Content-Length', '5'], ['content-length', '5']]),
    facts([...HOST, ['Transfer-Encoding', 'Chunked']]),
    facts([...HOST, ['Expect', '100-Continue']]),
    facts([['Expect', 'anything']], { httpVersion: '1.0' }),
    facts(HOST, { httpVersion: '2.0' }),
  ]) {
    t.equal(refusalOf(request), undefined, JSON.stringify(request))
  }
  t.end()
})

await t.test('what two recipients could read differently is refused', (t) => {
  const cases: (readonly [string, RequestFacts])[] = [
    ['missing_host', facts([])],
    ['missing_host', facts([], { httpVersion: '2.0' })],
    ['empty_host', facts([['hOST', '']])],
    ['fragment_in_target', facts(HOST, { target: '/#fragment' })],
    ['fragment_in_target', facts(HOST, { target: '/a?b#c' })],
    ['several_hosts', facts([...HOST, ...HOST])],
    ['several_hosts', facts([...HOST, ['host', 'b.test']], { httpVersion: '1.0' })],
    ['invalid_host', facts([['Host', 'a@b']])],
    ['invalid_host', facts([['Host', 'a b']])],
    ['invalid_host', facts([['Host', 'a/b']])],
    ['invalid_host', facts([['Host', 'caf\xe9.test']])],
    ['differing_content_length', facts([...HOST, ['Content-Length', '5'], ['Content-Length', '6']])],
    ['invalid_content_length', facts([...HOST, ['Content-Length', '']])],
    ['invalid_content_length', facts([...HOST, ['Content-Length', '5, 5']])],
    ['invalid_content_length', facts([...HOST, ['Content-Length', '-5']])],
    ['invalid_content_length', facts([...HOST, ['Content-Length', '0x5']])],
    ['invalid_content_length', facts([...HOST, ['Content-Length', '99999999999999999999']])],
    [
      'content_length_with_transfer_encoding',
      facts([...HOST, ['Content-Length', '5'], ['Transfer-Encoding', 'chunked']]),
    ],
    ['unknown_transfer_coding', facts([...HOST, ['Transfer-Encoding', 'xchunked']])],
    ['unknown_transfer_coding', facts([...HOST, ['Transfer-Encoding', 'gzip, chunked']])],
    ['unknown_transfer_coding', facts([...HOST, ['Transfer-Encoding', '']])],
    [
      'unknown_transfer_coding',
      facts([...HOST, ['Transfer-Encoding', 'chunked'], ['Transfer-Encoding', 'chunked']]),
    ],
    ['unknown_transfer_coding', facts([...HOST, ['Transfer-Encoding', 'chunked']], { httpVersion: '2.0' })],
    ['transfer_encoding_in_http_1_0', facts([['Transfer-Encoding', 'chunked']], { httpVersion: '1.0' })],
    ['unsupported_expectation', facts([...HOST, ['Expect', '200-ok']])],
    ['unsupported_expectation', facts([...HOST, ['Expect', '100-continue'], ['Expect', 'x']])],
    ['connect_method', facts(HOST, { method: 'CONNECT' })],
  ]
  for (const [reason, request] of cases) t.equal(refusalOf(request), reason, JSON.stringify(request))
  t.end()
})

await t.test('the announced length is that of a valid field only', (t) => {
  t.equal(announcedLength(HOST), undefined)
  t.equal(announcedLength([['CONTENT-length', '42']]), 42)
  t.equal(announcedLength([['Content-Length', '4 2']]), undefined)
  t.equal(announcedLength([['Content-Length', '99999999999999999999']]), undefined)
  t.end()
})

await t.test('the work grows with the size of the head, not faster', (t) => {
  const work = (n: number): void => {
    const request = facts([
      ['Host', 'a'.repeat(n)],
      ...Array.from({ length: n }, (_, i) => [`X-${i}`, '1'] as const),
    ])
    for (let i = 0; i < 20; i++) refusalOf(request)
  }
  t.ok(growth(work, 2000) < 10)
  t.end()
})
