import t from 'tap'

import { requestHead } from '../../../gateway/upstream/request-writer.js'
import type { UpstreamRequest } from '../../../gateway/upstream/request.js'

const GET: UpstreamRequest = { method: 'GET', path: '/', headers: [], body: null, contentLength: undefined }

t.test('fields are written as they are, framing with them', (t) => {
  t.equal(
    requestHead({ ...GET, path: '/a?b=\xff', headers: ['Host', 'x', 'A', '\xe4 b\t'] }),
    'GET /a?b=\xff HTTP/1.1\r\nHost: x\r\nA: \xe4 b\t\r\n\r\n',
  )
  const body = new Uint8Array(3)
  t.match(requestHead({ ...GET, body, contentLength: 3 }), /\r\ncontent-length: 3\r\n\r\n$/)
  t.match(requestHead({ ...GET, body }), /\r\ntransfer-encoding: chunked\r\n\r\n$/)
  t.match(requestHead({ ...GET, method: 'POST' }), /\r\ncontent-length: 0\r\n\r\n$/)
  t.end()
})

t.test('what would break the framing is not sent', (t) => {
  const injected = 'a\r\nX: b'
  // Sent as one byte, U+010A would be a line feed.
  for (const bad of [injected, 'a\nb', 'a\rb', 'a\x00', 'a\x7f', 'a\u010a']) {
    const code = { code: 'GATEWAY_UPSTREAM_REQUEST' }
    t.throws(() => requestHead({ ...GET, headers: ['A', bad] }), code)
    t.throws(() => requestHead({ ...GET, headers: [bad, 'a'] }), code)
    t.throws(() => requestHead({ ...GET, path: `/${bad}` }), code)
    t.throws(() => requestHead({ ...GET, method: bad }), code)
  }
  t.throws(() => requestHead({ ...GET, path: '/a b' }))
  t.throws(() => requestHead({ ...GET, path: '' }))
  t.throws(() => requestHead({ ...GET, method: '' }))
  t.end()
})
