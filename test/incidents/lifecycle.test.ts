import t from 'tap'
import type { IncidentError } from '../../incidents/errors.js'
import { INCIDENT_STATES } from '../../incidents/incident.js'
import type { IncidentState } from '../../incidents/incident.js'
import { MAX_COMMENT } from '../../incidents/lifecycle.js'
import { openIncident, openTestCore, somebody } from './fixtures/core.js'

t.test('states lead only where they may', async (t) => {
  const core = await openTestCore(t)
  const allowed: Record<string, string[]> = {}
  for (const from of INCIDENT_STATES)
    for (const to of INCIDENT_STATES.filter((state) => state !== from)) {
      const { id } = await openIncident(core, { state: from })
      try {
        await core.change(() => core.lifecycle.setState(id, to, somebody))
        ;(allowed[from] ??= []).push(to)
      } catch (error) {
        t.equal((error as IncidentError).code, 'BAD_TRANSITION')
        t.equal(core.store.get(id)?.state, from)
      }
    }
  t.strictSame(allowed, {
    open: ['triaged', 'in_progress', 'resolved', 'false_positive'],
    triaged: ['in_progress', 'resolved', 'false_positive'],
    in_progress: ['triaged', 'resolved', 'false_positive'],
    resolved: ['open'],
    false_positive: ['open'],
  })
  await core.store.close()
})

t.test('each change is a step, says who made it, and is told to whoever reacts', async (t) => {
  const core = await openTestCore(t)
  const told: string[] = []
  core.addReaction(({ type, by }) => void told.push(`${type} by ${by.name}`))
  const { id } = await openIncident(core)
  await core.change(() => core.lifecycle.assign(id, 'bob', somebody))
  await core.change(() => core.lifecycle.comment(id, 'looks bad', somebody))
  await core.change(() => core.lifecycle.setState(id, 'in_progress', somebody))
  await core.change(() => core.lifecycle.setState(id, 'in_progress', somebody))
  await core.change(() => core.lifecycle.setState(id, 'resolved', somebody, 'patched'))
  await core.change(() => core.lifecycle.setState(id, 'open', somebody))
  t.strictSame(told, [
    'opened by detection',
    'assigned by person:somebody',
    'commented by person:somebody',
    'state by person:somebody',
    'resolved by person:somebody',
    'reopened by person:somebody',
  ])
  t.match(core.store.timeline.list(id), [
    { number: 1, kind: 'incident.opened' },
    { kind: 'incident.assigned', facts: { assignee: 'bob', by: 'person:somebody' } },
    { kind: 'incident.commented', text: 'looks bad' },
    { kind: 'incident.updated', facts: { from: 'open' } },
    { kind: 'incident.resolved', facts: { from: 'in_progress', reason: 'patched' } },
    { number: 6, kind: 'incident.reopened' },
  ])
  t.notMatch(JSON.stringify(core.store.timeline.list(id).map(({ facts }) => facts)), /looks bad/)
  await core.store.close()
})

t.test('what is too long, or about nothing, is refused and changes nothing', async (t) => {
  const core = await openTestCore(t)
  const { id } = await openIncident(core)
  const refused = (code: string, work: () => unknown) => t.rejects(core.change(work), { code })
  await refused('TOO_LARGE', () => core.lifecycle.comment(id, 'x'.repeat(MAX_COMMENT + 1), somebody))
  await refused('TOO_LARGE', () => core.lifecycle.assign(id, '', somebody))
  await refused('INCIDENT_NOT_FOUND', () => core.lifecycle.comment('none', 'x', somebody))
  await core.change(() => core.lifecycle.setState(id, 'false_positive', somebody))
  await refused('CONFLICT', () => core.lifecycle.assign(id, 'bob', somebody))
  t.equal(core.store.timeline.list(id).length, 2)
  await core.store.close()
})

t.test('a reaction that fails keeps neither the change nor the other reactions from happening', async (t) => {
  const core = await openTestCore(t)
  const told: IncidentState[] = []
  core.addReaction(() => {
    throw new Error('a reaction that fails')
  })
  core.addReaction(({ incident }) => void told.push(incident.state))
  const { id } = await openIncident(core)
  t.strictSame(told, ['open'])
  t.match(core.store.timeline.list(id), [
    { kind: 'incident.opened' },
    { kind: 'incident.failed', facts: { error: 'a reaction that fails' } },
  ])
  await core.store.close()
})
