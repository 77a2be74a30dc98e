import t from 'tap'
import { auc, bootstrap, share, thresholdFor } from '../../../../scanner/model/training/metrics.js'

t.test('the area under the curve counts pairs in order, ties half', async (t) => {
  t.equal(auc([3, 4], [1, 2]), 1)
  t.equal(auc([1, 2], [3, 4]), 0)
  t.equal(auc([1, 3], [2, 2]), 0.5)
  t.equal(auc([2], [2, 1]), 0.75)
})

t.test('a threshold lets no more than its share of negatives through', async (t) => {
  const negatives = Array.from({ length: 1000 }, (_, index) => index / 1000)
  for (const rate of [0.001, 0.01, 0.1]) {
    const threshold = thresholdFor(negatives, rate)
    t.equal(negatives.filter((score) => score >= threshold).length, 1000 * rate, String(rate))
  }
  t.ok(thresholdFor([0.2, 0.9, 0.9], 0.4) > 0.9, 'what ties cannot be let through in part')
})

t.test("Wilson's interval is that of the tables", async (t) => {
  const { value, low, high } = share(0, 100)
  t.equal(value, 0)
  t.equal(low, 0)
  t.equal(high.toFixed(4), '0.0370')
  const half = share(50, 100)
  t.equal(half.low.toFixed(4), '0.4038')
  t.equal(half.high.toFixed(4), '0.5962')
})

t.test('the bootstrap draws whole sources and is the same for the same seed', async (t) => {
  const judged = (values: number[]) => values.map((value, index) => ({ source: index % 3, value }))
  const mean = (positives: readonly number[]): number =>
    positives.reduce((sum, value) => sum + value, 0) / positives.length
  const run = () => bootstrap(judged([0, 0.5, 1, 0, 0.5, 1]), judged([0]), mean, 500, 1)
  const { value, low, high } = run()
  t.equal(value, 0.5)
  t.equal(low, 0, 'three times the source of zeros')
  t.equal(high, 1)
  t.strictSame(run(), run())
})
