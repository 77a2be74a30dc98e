import t from 'tap'
import { ensureCommented, ensureFiled, type Attempt } from '../../../incidents/trackers/ensure.js'
import type { Filed, IssueDraft, Tracker } from '../../../incidents/trackers/tracker.js'

const { signal } = new AbortController()
const ref = { tracker: 'edge', id: '1', key: 'EDGE-1', url: 'https://edge.test/1' }
const filed: Filed = { ref }
const draft: IssueDraft = { title: 't', body: 'pci00', severity: 'high', state: 'open', marker: 'pci00' }

/** A tracker that writes down what is asked of it. @param shows what its reads show, one after the other */
const scripted = (
  shows: readonly boolean[],
  more: Partial<Tracker> = {},
  lacks: readonly ('find' | 'comment')[] = [],
) => {
  const calls: string[] = []
  const left = [...shows]
  const note = (name: string): void => void calls.push(name)
  const tracker: Tracker = {
    name: 'edge',
    type: 'http',
    delivery: 'exactly-once',
    lagMs: 5000,
    create: async () => (note('create'), filed),
    find: async ({ marker, since }) => (note(`find ${marker} ${since}`), left.shift() ? filed : undefined),
    comment: async () => note('comment'),
    hasComment: async ({ id }, { marker }) => (note(`look ${id} ${marker}`), left.shift() ?? false),
    close: async () => undefined,
    ...more,
  }
  for (const name of lacks) delete tracker[name]
  const attempt = (resumed: boolean): Attempt => ({
    resumed,
    since: 42,
    pause: async (ms) => note(`pause ${ms}`),
  })
  return { calls, tracker, attempt }
}

t.test('the first attempt files at once', async (t) => {
  const { calls, tracker, attempt } = scripted([])
  t.equal(await ensureFiled(tracker, draft, attempt(false), signal), filed)
  t.strictSame(calls, ['create'])
})

t.test(
  'a later one looks first, waits for reads that are behind, and files only when both show nothing',
  async (t) => {
    const there = scripted([true])
    t.equal(await ensureFiled(there.tracker, draft, there.attempt(true), signal), filed)
    t.strictSame(there.calls, ['find pci00 42'])
    const late = scripted([false, true])
    await ensureFiled(late.tracker, draft, late.attempt(true), signal)
    t.strictSame(late.calls, ['find pci00 42', 'pause 5000', 'find pci00 42'])
    const gone = scripted([false, false])
    await ensureFiled(gone.tracker, draft, gone.attempt(true), signal)
    t.strictSame(gone.calls, ['find pci00 42', 'pause 5000', 'find pci00 42', 'create'])
  },
)

t.test('without a read it is filed again at once', async (t) => {
  const { calls, tracker, attempt } = scripted([], {}, ['find'])
  await ensureFiled(tracker, draft, attempt(true), signal)
  t.strictSame(calls, ['create'])
})

t.test('nothing is filed once the attempt is aborted, or its read fails', async (t) => {
  const { calls, tracker, attempt } = scripted([false])
  const ending = new AbortController()
  const interrupted: Attempt = { ...attempt(true), pause: async () => ending.abort(new Error('over')) }
  await t.rejects(ensureFiled(tracker, draft, interrupted, ending.signal), { message: 'over' })
  t.notOk(calls.includes('create'))
  const failing = scripted([], { find: () => Promise.reject(new Error('no read')) })
  await t.rejects(ensureFiled(failing.tracker, draft, failing.attempt(true), signal), { message: 'no read' })
  t.strictSame(failing.calls, [])
})

t.test('comments are sent in the same way', async (t) => {
  const comment = async (shows: readonly boolean[], resumed: boolean, more: Partial<Tracker> = {}) => {
    const { calls, tracker, attempt } = scripted(shows, more)
    await ensureCommented(tracker, ref, 'text pci01', 'pci01', attempt(resumed), signal)
    return calls
  }
  t.strictSame(await comment([], false), ['comment'])
  t.strictSame(await comment([true], true), ['look 1 pci01'])
  t.strictSame(await comment([false, true], true), ['look 1 pci01', 'pause 5000', 'look 1 pci01'])
  t.strictSame((await comment([false, false], true)).at(-1), 'comment')
  const { tracker, attempt, calls } = scripted([], {}, ['comment'])
  await ensureCommented(tracker, ref, 'x', 'x', attempt(false), signal)
  t.strictSame(calls, [])
})
