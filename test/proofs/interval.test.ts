import t from 'tap'
import { formatInterval, parseInterval } from '../../proofs/interval.js'

t.test('an interval is read, and written as it was', async (t) => {
  t.same(parseInterval(undefined, 'sizes'), { first: 0 })
  t.same(parseInterval('0-', 'sizes'), { first: 0 })
  t.same(parseInterval('7-', 'sizes'), { first: 7 })
  t.same(parseInterval('7-7', 'sizes'), { first: 7, last: 7 })
  t.equal(formatInterval({ first: 0 }), '')
  t.equal(formatInterval({ first: 0, last: 3 }), ' 0-3')
  t.equal(formatInterval({ first: 2 }), ' 2-')
})

t.test('anything else is refused', async (t) => {
  for (const text of ['', '-', '-5', '5', '1-2-3', '01-2', '1-02', 'a-b', '1-x', '9007199254740992-', ' 1-2'])
    t.throws(() => parseInterval(text, 'sizes'), { code: 'MALFORMED_POLICY', message: /sizes/ }, text)
  t.throws(() => parseInterval('2-1', 'sizes'), /ends before it starts/)
})
