import t from 'tap'
import { bodyBytes, checkFields, hasContent, prepareHead } from '../../../gateway/listener/response-head.js'

await t.test('framing fields are taken out, the rest stays as it is', (t) => {
  t.same(
    prepareHead(200, [
      ['Set-Cookie', 'a'],
      ['CONTENT-LENGTH', '12'],
      ['connection', 'x'],
      ['Keep-Alive', '1'],
      ['Proxy-Connection', 'x'],
      ['Transfer-Encoding', 'gzip'],
      ['set-cookie', 'b\xff\t'],
    ]),
    {
      headers: [
        ['Set-Cookie', 'a'],
        ['set-cookie', 'b\xff\t'],
      ],
      givenLength: 12,
      dated: false,
    },
  )
  t.match(prepareHead(200, [['dAte', 'x']]), { headers: [['dAte', 'x']], dated: true })
  t.equal(prepareHead(200, [['Content-Length', 'x']]).givenLength, undefined)
  t.end()
})

await t.test('more names than are remembered are judged as well', (t) => {
  for (let i = 0; i < 3000; i++) checkFields([[`X-${i}`, '']])
  t.throws(() => checkFields([['X 1', '']]), { code: 'INVALID_RESPONSE' })
  t.throws(() => checkFields([['X 1', '']]), { code: 'INVALID_RESPONSE' })
  t.match(prepareHead(200, [['TRANSFER-Encoding', 'x']]), { headers: [] })
  t.end()
})

await t.test('what cannot be sent is refused, and its value is not repeated', (t) => {
  for (const status of [0, 99, 100, 101, 199, 1000, 200.5, Number.NaN]) {
    t.throws(() => prepareHead(status, []), { code: 'INVALID_RESPONSE' })
  }
  for (const [name, value] of [
    ['', 'a'],
    ['a b', 'a'],
    ['a:', 'a'],
    ['a\n', 'a'],
    ['\xe9', 'a'],
  ] as const) {
    t.throws(() => checkFields([[name, value]]), {
      code: 'INVALID_RESPONSE',
      message: 'a response field has no valid name',
    })
  }
  for (const value of ['a\r', 'a\n', 'a\0', '\x7f', '\u0100secret']) {
    t.throws(() => checkFields([['X-A', value]]), { code: 'INVALID_RESPONSE', message: /X-A/ })
    t.throws(() => checkFields([['X-A', value]]), { message: /^((?!secret).)*$/ })
  }
  t.end()
})

await t.test('content', (t) => {
  t.equal(hasContent('GET', 200), true)
  t.equal(hasContent('HEAD', 200), false)
  t.equal(hasContent('GET', 204), false)
  t.equal(hasContent('GET', 304), false)
  t.same(bodyBytes('\xe9a'), Buffer.from([0xe9, 0x61]))
  t.equal(bodyBytes(undefined), undefined)
  t.throws(() => bodyBytes('\u20ac'), { code: 'INVALID_RESPONSE' })
  t.end()
})
