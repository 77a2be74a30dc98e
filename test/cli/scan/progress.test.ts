import t from 'tap'
import { progressLine, Rate } from '../../../cli/scan/progress.js'

t.test('rate and time left are shown once they are known', async (t) => {
  t.equal(progressLine(3, undefined, 0, undefined), 'scanned 3 files | 0 found')
  t.equal(progressLine(3, undefined, 1, 2.4), 'scanned 3 files | 1 found | 2 files/s')
  t.equal(progressLine(10, 100, 1, 45), 'scanned 10 of 100 files | 1 found | 45 files/s | 2 s left')
  t.match(progressLine(0, 600, 0, 5), '2 min 0 s left')
  t.match(progressLine(0, 36_000, 0, 5), '2 h 0 min left')
  t.equal(progressLine(1, 100, 0, 0), 'scanned 1 of 100 files | 0 found | 0 files/s', 'no end in sight')
})

t.test('the rate is that of the last seconds', async (t) => {
  const rate = new Rate()
  rate.add(0, 0)
  t.equal(rate.at(100, 50), undefined)
  t.equal(rate.at(1000, 500), 500)
  for (let second = 1; second <= 60; second++) rate.add(second * 1000, second < 30 ? second * 1000 : 29_000)
  t.equal(rate.at(60_000, 29_000), 0)
})
