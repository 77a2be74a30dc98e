import t from 'tap'

import { Series } from '../../../runtime/telemetry/series.js'

t.test('keeps one state for each set of known values, and folds all others', (t) => {
  const labels = { action: ['allow', 'block'], phase: ['xss', 'other'], empty: [] }
  const series = new Series('m', labels, (attributes) => ({ attributes }))
  const of = (action: string | undefined, phase: string | undefined) =>
    series.of({ action, phase, empty: 'x' })
  t.equal(of('allow', 'xss'), of('allow', 'xss'))
  t.equal(of('made up', 'rce'), of(undefined, 'other'))
  t.not(of('block', 'xss'), of('block', 'other'))
  t.same(
    ['allow', 'block', 'none'].flatMap((action) =>
      ['xss', 'rce'].map((phase) => of(action, phase).attributes),
    ),
    [
      { action: 'allow', phase: 'xss', empty: 'other' },
      { action: 'allow', phase: 'other', empty: 'other' },
      { action: 'block', phase: 'xss', empty: 'other' },
      { action: 'block', phase: 'other', empty: 'other' },
      { action: 'other', phase: 'xss', empty: 'other' },
      { action: 'other', phase: 'other', empty: 'other' },
    ],
  )
  t.equal([...series.states()].length, 6)
  t.end()
})
