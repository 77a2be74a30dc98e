import t from 'tap'
import { openIncident, openTestCore } from '../fixtures/core.js'

t.test('what waits and what is dead are listed apart, and together in their order', async (t) => {
  const core = await openTestCore(t)
  const { work } = core.store
  const { id: incident } = await openIncident(core)
  const ids = await core.change(() =>
    Array.from({ length: 9 }, (_, at) => {
      const added = work.add({ incident, kind: 'x', target: 'a' }, core.now())
      if (at % 3 === 1) work.put({ ...added, state: 'dead', died: 1000 - at })
      return added.id
    }),
  )
  const listed = (...[wanted]: Parameters<typeof work.list>): number[] =>
    [...work.list(wanted)].map(({ id }) => ids.indexOf(id))
  t.strictSame(listed(), [0, 1, 2, 3, 4, 5, 6, 7, 8])
  t.strictSame(listed({ state: 'waiting' }), [0, 2, 3, 5, 6, 8])
  t.strictSame(listed({ state: 'dead' }), [1, 4, 7])
  t.strictSame(listed({ after: ids[4] ?? '' }), [5, 6, 7, 8])
  t.strictSame(listed({ after: ids[4] ?? '', state: 'dead' }), [7])
  for (const { id } of work.list()) {
    t.equal(id, ids[0])
    break
  }
  t.equal(work.dead, 3)
  t.equal(work.waiting(incident), 6)
  t.strictSame(
    [work.expired(996, 10), work.expired(0, 2), work.expired(1001, 10), work.expired(0, 3)].map((expired) =>
      expired.map((id) => ids.indexOf(id)),
    ),
    [[7], [7], [7, 4, 1], []],
    'by when they died',
  )
  await core.change(() => {
    for (const id of ids) work.remove(id)
  })
  t.equal(work.dead + work.waiting(incident) + work.expired(2000, 0).length, 0)
  await core.store.close()
})

t.test('ids go on behind those that are gone when the clock is set back', async (t) => {
  const clock = { time: Date.now(), now: () => clock.time }
  const core = await openTestCore(t, { clock })
  const { work } = core.store
  const { id: incident } = await openIncident(core)
  const add = () => core.change(() => work.add({ incident, kind: 'x', target: 'a' }, core.now()))
  const first = await add()
  await core.change(() => work.remove(first.id))
  clock.time -= 3_600_000
  t.ok((await add()).id > first.id)
  await core.store.close()
})
