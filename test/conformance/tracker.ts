import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import type { TrackerError } from '../../incidents/trackers/errors.js'
import { ensureCommented, ensureFiled, type Attempt } from '../../incidents/trackers/ensure.js'
import type { Filed, IssueDraft, Tracker } from '../../incidents/trackers/tracker.js'
import type { TrackerServer } from '../incidents/fakes/tracker-server.js'

/** A tracker under test with the fake that it talks to. */
export interface TrackerUnderTest {
  readonly tracker: Tracker
  readonly server: TrackerServer
  /** What the fake holds. */
  readonly issues: () => readonly { readonly title: string; readonly body: string; readonly state: string }[]
  readonly comments: () => readonly string[]
  /** The fake's words for an incident's states. */
  readonly states: { readonly open: string; readonly resolved: string }
  /** Makes the next request go without a valid token. */
  readonly wrongToken: () => Promise<Tracker>
}

export interface FakeClock {
  readonly now: () => number
  /** Time passes only here. */
  readonly pass: (ms: number) => void
}

export type Make = (
  t: Test,
  options: { readonly now: () => number; readonly lagMs: number },
) => Promise<TrackerUnderTest>

export function fakeClock(): FakeClock {
  let time = Date.now()
  return {
    now: () => time,
    pass(ms) {
      time += ms
    },
  }
}

const draft = (): IssueDraft => {
  const marker = `pci${randomBytes(16).toString('hex')}`
  return {
    title: 'Blocked on shop: SQL in a parameter',
    body: `What was seen:\n\n    ' OR 1=1 -- {{title}} @Ada "quoted" \\ é漢字\n\n${marker}`,
    severity: 'high',
    state: 'open',
    marker,
  }
}

/** The loop of a work queue around one work item: retried while that can help, told when an outcome was unclear. */
async function untilDone<T>(
  clock: FakeClock,
  work: (attempt: Attempt) => Promise<T>,
): Promise<{ readonly result: T; readonly attempts: number; readonly errors: TrackerError[] }> {
  const errors: TrackerError[] = []
  const since = clock.now()
  const pause = async (ms: number): Promise<void> => clock.pass(ms)
  for (let resumed = false; ;) {
    try {
      return { result: await work({ resumed, since, pause }), attempts: errors.length + 1, errors }
    } catch (error) {
      const failure = error as TrackerError
      errors.push(failure)
      if (failure.retryable !== true || errors.length > 5) throw error
      resumed ||= failure.ambiguous
      clock.pass(1000)
    }
  }
}

/** What every tracker must do. */
export function trackerConformance(name: string, make: Make): void {
  const { signal } = new AbortController()
  const start = async (t: Test, lagMs = 0) => {
    const clock = fakeClock()
    const under = await make(t, { now: clock.now, lagMs })
    t.teardown(() => under.tracker.close())
    const file = (issue: IssueDraft) =>
      untilDone(clock, (attempt) => ensureFiled(under.tracker, issue, attempt, signal))
    return { ...under, clock, file }
  }
  const exactly = (tracker: Tracker): boolean => tracker.delivery === 'exactly-once'

  t.test(`${name}: files an issue with everything it was given`, async (t) => {
    const { tracker, issues, file, states } = await start(t)
    const issue = draft()
    const { result, attempts } = await file(issue)
    t.equal(attempts, 1)
    t.equal(result.ref.tracker, tracker.name)
    t.not(result.ref.id, '')
    t.not(result.ref.key, '')
    t.match(result.ref.url, /^https?:\/\//)
    t.equal(issues().length, 1)
    t.equal(issues()[0]?.title, issue.title)
    t.equal(issues()[0]?.body.replaceAll('＠', '@'), issue.body)
    t.equal(issues()[0]?.state, states.open)
  })

  t.test(`${name}: a read finds the issue by its marker and no other`, async (t) => {
    const { tracker, file, clock } = await start(t)
    const issue = draft()
    const { result } = await file(issue)
    await file(draft())
    if (!tracker.find) {
      t.equal(tracker.delivery, 'at-least-once')
      return
    }
    const found = await tracker.find({ marker: issue.marker, since: clock.now() }, signal)
    t.match(found?.ref, result.ref)
    t.equal(await tracker.find({ marker: draft().marker, since: clock.now() }, signal), undefined)
  })

  const unclear = ['drop-after-commit', 'fail-after-commit', 'garbage-after-commit'] as const
  for (const fault of unclear)
    for (const lagMs of [0, 5000])
      t.test(`${name}: ${fault}, reads ${lagMs} ms behind: one issue`, async (t) => {
        const { tracker, server, issues, file } = await start(t, lagMs)
        server.faults.push(fault)
        const { result, errors } = await file(draft())
        t.match(errors, [{ ambiguous: true, retryable: true }])
        t.equal(issues().length, exactly(tracker) ? 1 : 2)
        t.not(result.ref.id, '')
      })

  t.test(`${name}: drop-before-commit: one issue, after two reads that agree`, async (t) => {
    const { tracker, server, issues, file } = await start(t, 5000)
    server.faults.push('drop-before-commit')
    const before = server.requests.length
    const { errors } = await file(draft())
    t.match(errors, [{ code: 'TRACKER_NO_ANSWER', ambiguous: true }])
    t.equal(issues().length, 1)
    const creations = server.requests
      .slice(before)
      .flatMap(({ method, body }, at) =>
        method === 'GET' || /search/.test(JSON.stringify(body)) ? [] : [at],
      )
    if (exactly(tracker))
      t.ok((creations.at(-1) ?? 0) - (creations.at(-2) ?? 0) >= 3, 'two reads between the attempts')
  })

  t.test(`${name}: several unclear outcomes in a row make one issue`, async (t) => {
    const { tracker, server, issues, file } = await start(t, 5000)
    if (!exactly(tracker)) return
    server.faults.push('drop-before-commit', 'drop-before-commit', 'drop-after-commit')
    t.equal((await file(draft())).attempts, 4)
    t.equal(issues().length, 1)
  })

  for (const [status, code, retryable] of [
    [400, 'TRACKER_INVALID', false],
    [401, 'TRACKER_UNAUTHORIZED', true],
    [403, 'TRACKER_UNAUTHORIZED', true],
    [404, 'TRACKER_NOT_FOUND', false],
    [409, 'TRACKER_CONFLICT', true],
    [429, 'TRACKER_BUSY', true],
  ] as const)
    t.test(`${name}: ${status} is clear: nothing was done`, async (t) => {
      const { tracker, server, issues } = await start(t)
      server.faults.push({ status })
      await t.rejects(tracker.create(draft(), signal), { code, retryable, ambiguous: false })
      t.equal(issues().length, 0)
    })

  t.test(`${name}: a wrong token is told as that`, async (t) => {
    const { wrongToken } = await start(t)
    const tracker = await wrongToken()
    t.teardown(() => tracker.close())
    const error = await tracker.create(draft(), signal).catch((caught: unknown) => caught as TrackerError)
    t.match(error, { code: 'TRACKER_UNAUTHORIZED', ambiguous: false })
    t.notMatch((error as TrackerError).message, /wrong-secret/)
  })

  t.test(`${name}: states are set, twice without harm`, async (t) => {
    const { tracker, issues, file, states } = await start(t)
    const { result } = await file(draft())
    if (!tracker.setState) return
    await tracker.setState(result.ref, 'resolved', signal)
    await tracker.setState(result.ref, 'resolved', signal)
    t.equal(issues()[0]?.state, states.resolved)
    await tracker.setState(result.ref, 'open', signal)
    t.equal(issues()[0]?.state, states.open)
  })

  for (const lagMs of [0, 5000])
    t.test(`${name}: a comment whose answer is lost is there once, reads ${lagMs} ms behind`, async (t) => {
      const { tracker, server, comments, file, clock } = await start(t, lagMs)
      const { result } = await file(draft())
      if (!tracker.comment) return
      const marker = draft().marker
      server.faults.push('drop-after-commit')
      await untilDone(clock, (attempt) =>
        ensureCommented(tracker, result.ref, `It came again. ${marker}`, marker, attempt, signal),
      )
      t.equal(comments().length, tracker.hasComment ? 1 : 2)
      t.match(comments()[0], marker)
    })

  t.test(`${name}: an issue that is gone is told as that`, async (t) => {
    const { tracker } = await start(t)
    const ref: Filed['ref'] = {
      tracker: tracker.name,
      id: '00000000-0000-4000-8000-000000000000',
      key: 'X',
      url: 'https://example.org',
    }
    if (tracker.setState)
      await t.rejects(tracker.setState(ref, 'resolved', signal), {
        code: 'TRACKER_NOT_FOUND',
        retryable: false,
      })
    if (tracker.comment)
      await t.rejects(tracker.comment(ref, 'x', 'x', signal), { code: 'TRACKER_NOT_FOUND' })
  })
}
