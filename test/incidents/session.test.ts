import t from 'tap'
import { stepOf } from '../../incidents/step.js'
import type { SignedAction } from '../../ledger/client/action-signer.js'
import { parseEntry } from '../../proofs/entry.js'
import { decodeEntryBundle } from '../../proofs/tile.js'
import { openIncident, openTestCore, somebody } from './fixtures/core.js'
import type { Core } from '../../incidents/core.js'

/** The actions that wait for the ledger. */
const actions = (core: Core) =>
  core.store.sessions.pending(100).map(({ item }: Pick<SignedAction, 'item'>) => {
    const [entry] = decodeEntryBundle(item, 1)
    const parsed = parseEntry(entry ?? new Uint8Array())
    if (parsed.type !== 'action') throw new Error('not signed')
    return parsed.action
  })

t.test('a step that does not fit its schema is replaced by one that says so', async (t) => {
  const core = await openTestCore(t)
  const incident = await openIncident(core)
  await core.change(() => {
    core.store.addStep(stepOf('updated', core.now(), incident, { nobody_knows: 'this' }))
    core.store.addStep(stepOf('updated', core.now(), incident, { reason: 'fine' }))
  })
  t.match(actions(core), [
    { kind: 'session.open', seq: 0 },
    { kind: 'incident.opened', seq: 1 },
    { kind: 'incident.unrecorded', seq: 2, error: /nobody_knows/ },
    { kind: 'incident.updated', seq: 3, reason: 'fine' },
  ])
  await core.store.close()
})

t.test('a session closes when nothing waits any more, and what comes later continues it', async (t) => {
  const core = await openTestCore(t)
  const { id } = await openIncident(core)
  const work = await core.change(() =>
    core.store.work.add({ incident: id, kind: 'x.do', target: 'a' }, core.now()),
  )
  await core.change(() => core.lifecycle.setState(id, 'resolved', somebody))
  t.equal(core.store.sessions.get(id)?.open, true, 'an alert still waits')
  await core.change(() => core.store.work.remove(work.id))
  t.match(core.store.sessions.get(id), { open: false, number: 1, next: 4 })
  const late = core.store.get(id)
  if (!late) throw new Error('gone')
  await core.change(() => core.store.addStep(stepOf('responded', core.now(), late)))
  t.match(core.store.sessions.get(id), { open: false, number: 2, next: 3 })
  t.match(
    actions(core).map(({ session, kind, count, parents }) => [session, kind, count, parents?.length ?? 0]),
    [
      [`i-${id}`, 'session.open', undefined, 0],
      [`i-${id}`, 'incident.opened', 1, 1],
      [`i-${id}`, 'incident.resolved', 1, 1],
      [`i-${id}`, 'session.close', 3, 1],
      [`i-${id}.2`, 'session.open', undefined, 1],
      [`i-${id}.2`, 'incident.responded', 1, 1],
      [`i-${id}.2`, 'session.close', 2, 1],
    ],
  )
  await core.store.close()
})
