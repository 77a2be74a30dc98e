import t from 'tap'
import { MAX_TIMELINE } from '../../incidents/timeline.js'
import { openIncident, openTestCore } from './fixtures/core.js'

t.test('a timeline keeps its beginning and its end, in pages', async (t) => {
  const core = await openTestCore(t)
  const { id } = await openIncident(core)
  const other = await openIncident(core)
  await core.change(() => {
    for (let at = 2; at <= MAX_TIMELINE + 500; at++)
      core.store.timeline.add(id, { time: at, kind: 'incident.repeated', entry: 'e', facts: {} })
  })
  const items = core.store.timeline.list(id)
  t.equal(items.length, MAX_TIMELINE)
  t.equal(items[0]?.number, 1)
  t.equal(items.at(-1)?.number, MAX_TIMELINE + 500)
  const gap = items.findIndex(({ number }, i) => i > 0 && number !== (items[i - 1]?.number ?? 0) + 1)
  t.strictSame([items[gap - 1]?.number, items[gap]?.number], [200, 701])
  t.strictSame(
    core.store.timeline.list(id, 199, 2).map(({ number }) => number),
    [200, 701],
  )
  t.equal(core.store.timeline.list(other.id).length, 1)
  await core.store.close()
})
