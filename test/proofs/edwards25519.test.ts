import t from 'tap'
import { isOnCurve, isWeakEncoding, SMALL_ORDER_POINTS } from '../../proofs/edwards25519.js'

const hex = (text: string) => Buffer.from(text, 'hex')

void t.test('the eight points of the list are points, and different ones', async (t) => {
  t.equal(new Set(SMALL_ORDER_POINTS).size, 8)
  for (const point of SMALL_ORDER_POINTS) {
    t.ok(isOnCurve(hex(point)), point)
    t.ok(isWeakEncoding(hex(point)), point)
  }
})

void t.test('the base point is neither weak nor off the curve', async (t) => {
  const base = hex(`58${'66'.repeat(31)}`)
  t.ok(isOnCurve(base))
  t.notOk(isWeakEncoding(base))
})

void t.test('y = 2 is on no curve point', async (t) => {
  t.notOk(isOnCurve(hex(`02${'00'.repeat(31)}`)))
  t.notOk(isOnCurve(hex(`ed${'ff'.repeat(30)}7f`)), 'y = p is not an encoding')
})
