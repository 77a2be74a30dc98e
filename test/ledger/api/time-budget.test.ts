import t from 'tap'
import { TimeBudget } from '../../../ledger/api/time-budget.js'
import { problemOf } from '../../../ledger/api/problem.js'

void t.test('work that took its share has to wait until time has passed', async (t) => {
  let now = 0
  const budget = new TimeBudget(0.2, 1000, () => now)
  const take = (ms: number) => budget.spend(() => void (now += ms))
  take(400)
  take(400)
  take(700)
  let refusal: unknown
  try {
    take(1)
  } catch (error) {
    refusal = error
  }
  t.match(refusal, { code: 'RATE_LIMITED' })
  const { status, headers } = problemOf(refusal)
  t.equal(status, 429)
  t.match(headers['retry-after'], /^[1-9]\d*$/)
  now += Number(headers['retry-after']) * 1000 + 1
  take(1)
  now += 1_000_000
  take(900)
  take(200)
  t.throws(() => take(1), { code: 'RATE_LIMITED' }, 'idling saves up no more than the burst')
  now += 10_000
  t.throws(
    () =>
      budget.spend(() => {
        now += 5000
        throw new Error('fails')
      }),
    /fails/,
  )
  t.throws(() => take(1), { code: 'RATE_LIMITED' }, 'work that fails is paid for, too')
})
