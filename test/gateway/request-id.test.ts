import t from 'tap'

import { clientRequestId } from '../../gateway/request-id.js'

t.test('an id that fits a log is kept', (t) => {
  for (const id of ['abc', '8f14e45f-ceea-467f-a8f5-5e3d1b8a0f2e', 'a/b+c=.~_:1', 'x'.repeat(128)])
    t.equal(clientRequestId([['X-Request-ID', id]]), id)
  t.end()
})

t.test('anything else is not', (t) => {
  for (const id of ['', ' ', 'a b', 'a"b', 'a\nb', 'caf\xe9', 'x'.repeat(129)])
    t.equal(clientRequestId([['X-Request-Id', id]]), undefined, JSON.stringify(id))
  t.equal(
    clientRequestId([
      ['X-Request-Id', 'a'],
      ['x-request-id', 'b'],
    ]),
    undefined,
    'two ids are none',
  )
  t.equal(clientRequestId([]), undefined)
  t.end()
})
