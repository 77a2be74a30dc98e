import { resourceFromAttributes } from '@opentelemetry/resources'
import t from 'tap'

import { Histograms } from '../../../runtime/telemetry/histograms.js'

t.test('counts each value in the first bucket whose bound it does not pass', async (t) => {
  const histograms = new Histograms(resourceFromAttributes({}), { name: 'portcullis', version: '1' })
  const metric = { name: 'took', description: '', unit: 's' }
  const record = histograms.add(metric, { site: ['shop'] }, [1, 2])
  t.same((await histograms.collect()).resourceMetrics.scopeMetrics, [])
  for (const value of [0, 1, 1.5, 2, 2.5, 100]) record(value, { site: 'shop' })
  record(3, { site: 'elsewhere' })
  const collected = await histograms.collect()
  t.match(collected.resourceMetrics.scopeMetrics[0]?.metrics[0]?.dataPoints, [
    {
      attributes: { site: 'shop' },
      value: { buckets: { boundaries: [1, 2], counts: [2, 2, 2] }, count: 6, sum: 107, min: 0, max: 100 },
    },
    {
      attributes: { site: 'other' },
      value: { buckets: { counts: [0, 0, 1] }, count: 1, sum: 3, min: 3, max: 3 },
    },
  ])
  record(1, { site: 'shop' })
  t.match(collected.resourceMetrics.scopeMetrics[0]?.metrics[0]?.dataPoints[0]?.value, { count: 6 }, 'a copy')
})
