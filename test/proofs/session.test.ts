import t from 'tap'
import { formatAction } from '../../proofs/action.js'
import { leafHash } from '../../proofs/merkle.js'
import { sessionCompleteness } from '../../proofs/session.js'
import type { SessionEntry } from '../../proofs/session.js'
import type { ActionPayload } from '../../proofs/action.js'
import { actionOf } from './sample-log.js'

const entryOf = (action: ActionPayload): SessionEntry => ({ action, leaf: leafHash(formatAction(action)) })
const work = (seq: number, over: Partial<ActionPayload> = {}) => entryOf(actionOf(seq, over))
const close = (seq: number, count: number) => {
  const { target: _target, in: _in, ...common } = actionOf(seq)
  return entryOf({ ...common, kind: 'session.close', count } as ActionPayload)
}
const stateOf = (...entries: SessionEntry[]) => sessionCompleteness(entries)[0]

void t.test('a session is closed when its close counts exactly what is there', async (t) => {
  t.match(stateOf(work(0), work(1), close(2, 2)), { state: 'closed', count: 3, gaps: [], forks: [] })
  t.match(stateOf(close(2, 2), work(1), work(0)), { state: 'closed' }, 'in any order')
  t.match(stateOf(close(0, 0)), { state: 'closed' })
  t.match(stateOf(work(0), work(0), close(1, 1)), { state: 'closed' }, 'the same entry again counts once')
})

void t.test('without a close the tail could be missing', async (t) => {
  t.match(stateOf(work(0), work(1)), { state: 'open', count: 2 })
})

void t.test('gaps are named', async (t) => {
  t.match(stateOf(work(1), work(2), work(5)), {
    state: 'gap',
    gaps: [
      { first: 0, last: 0 },
      { first: 3, last: 4 },
    ],
  })
  t.match(stateOf(work(0), close(2, 2)), { state: 'gap', gaps: [{ first: 1, last: 1 }] })
  t.match(stateOf(work(0), close(1, 7)), { state: 'gap', gaps: [] }, 'the close counts more')
  t.match(stateOf(work(0), close(1, 1), work(2)), { state: 'gap' }, 'something follows the close')
})

void t.test('two entries under one number are a fork, which outweighs a gap', async (t) => {
  t.match(stateOf(work(0), work(0, { ts: 1 })), { state: 'forked', forks: [0], count: 1 })
  t.match(stateOf(work(2), work(2, { ts: 1 }), close(9, 9)), { state: 'forked', forks: [2] })
})

void t.test('agents and sessions are judged apart', async (t) => {
  const verdicts = sessionCompleteness([
    work(0),
    work(0, { agent: 'scanner' }),
    work(1, { session: 'gateway/run-2' }),
    close(1, 1),
  ])
  t.same(
    verdicts.map(({ agent, session, state }) => [agent, session, state]),
    [
      ['gateway', 'gateway/run-1', 'closed'],
      ['scanner', 'gateway/run-1', 'open'],
      ['gateway', 'gateway/run-2', 'gap'],
    ],
  )
  t.same(sessionCompleteness([]), [])
})
