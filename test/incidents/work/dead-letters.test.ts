import t from 'tap'
import { DeadLetters } from '../../../incidents/work/dead-letters.js'
import { openIncident, openTestCore, silent } from '../fixtures/core.js'

const DAY = 86_400_000

t.test('dead letters go when they are too old or too many; their incident still tells of them', async (t) => {
  const clock = { time: Date.now(), now: () => clock.time }
  const config = { incidents: { dead_letters: { keep_days: 2, most: 3 } } }
  const core = await openTestCore(t, { clock, config })
  const { work } = core.store
  const { id: incident } = await openIncident(core)
  const bury = (count: number) =>
    core.change(() => {
      for (let at = 0; at < count; at++) {
        const added = work.add({ incident, kind: 'x', target: 'a' }, core.now())
        work.put({ ...added, state: 'dead', died: core.now() })
      }
    })
  const letters = new DeadLetters({
    store: core.store,
    limits: core.settings.incidents.dead_letters,
    now: core.now,
    log: silent,
  })
  await core.change(() => work.add({ incident, kind: 'x', target: 'a' }, core.now()))
  await bury(2)
  clock.time += DAY
  await bury(1)
  await letters.clear()
  t.equal(work.dead, 3)
  const last = [...work.list({ state: 'dead' })].at(-1)?.id
  await bury(2500)
  await letters.clear()
  t.equal(work.dead, 3, 'the oldest of too many')
  t.equal(work.get(last ?? ''), undefined)
  clock.time += 2 * DAY + 1
  await letters.clear()
  t.equal(work.dead, 0, 'and what is too old')
  t.equal(work.waiting(incident), 1, 'what waits is not touched')
  await core.store.close()
})
