import t from 'tap'
import { uuidv7 } from '../../../runtime/uuid.js'
import { attack, openRig } from './rig.js'

const asked = async (t: Parameters<typeof openRig>[0], config: object = {}) => {
  const rig = await openRig(t, config)
  const { id } = await rig.open(attack())
  await rig.propose(id, { action: 'ban_client', subject: '203.0.113.9', seconds: 600 })
  const [answer] = rig.answersOf(id)
  if (!answer) throw new Error('nothing was asked')
  return { ...rig, id, answer }
}
type Rig = Awaited<ReturnType<typeof asked>>
const decide = (rig: Rig, by: string, approve: boolean, digest?: string) =>
  rig.core.change(() => rig.answers.decide(rig.answer.id, by, approve, digest))

t.test('a person says yes once, and exactly what was shown is ordered', async (t) => {
  const rig = await asked(t)
  await decide(rig, 'person:ann', true, rig.answer.digest)
  const [command] = await rig.ordered('gateway')
  t.match(command, { id: rig.answer.id, action: { type: 'ban_client', address: '203.0.113.9' } })
  await t.rejects(decide(rig, 'person:ann', true), { code: 'CONFLICT' }, 'single-use')
  await t.rejects(decide(rig, 'person:bob', false), { code: 'CONFLICT' })
  t.same(await rig.ordered('gateway'), [])
  t.match(rig.steps(rig.id).slice(-3), [
    {
      kind: 'approval.requested',
      facts: { approval: { id: rig.answer.id }, in: { hash: rig.answer.digest } },
    },
    { kind: 'approval.granted', facts: { by: 'person:ann', in: { hash: rig.answer.digest } } },
    { kind: 'incident.commanded', facts: { action: { digest: rig.answer.digest }, by: 'person:ann' } },
  ])
})

t.test('a person says no, and it is not asked again', async (t) => {
  const rig = await asked(t)
  await decide(rig, 'person:ann', false)
  await rig.propose(rig.id, { action: 'ban_client', subject: '203.0.113.9', seconds: 600 })
  t.equal(rig.answersOf(rig.id).length, 1)
  t.same(await rig.ordered('gateway'), [])
})

t.test('another digest, another id, a changed answer and the one who asked are refused', async (t) => {
  const rig = await asked(t)
  await t.rejects(decide(rig, 'person:ann', true, '0'.repeat(64)), { code: 'CONFLICT' })
  await t.rejects(decide(rig, 'agent:fixer', true), { code: 'FORBIDDEN' })
  await t.rejects(
    rig.core.change(() => rig.answers.decide(uuidv7(1), 'person:ann', true)),
    { code: 'NOT_FOUND' },
  )
  const table = rig.core.store.table<object>('answers')
  await rig.core.change(() =>
    table.putSync(rig.answer.id, { ...rig.answer, action: { type: 'ban_client', address: '198.51.100.1' } }),
  )
  await t.rejects(
    decide(rig, 'person:ann', true, rig.answer.digest),
    { code: 'CONFLICT' },
    'bound to the exact action',
  )
  t.same(await rig.ordered('gateway'), [])
})

t.test('a question that nobody answers is closed', async (t) => {
  const rig = await asked(t, { answers: { approvals: { expire_seconds: 60 } } })
  rig.clock.now = () => Date.now() + 61_000
  t.match(await decide(rig, 'person:ann', true), { state: 'expired' }, 'a late yes is none')
  t.same(await rig.ordered('gateway'), [])
  t.equal(rig.kinds(rig.id).at(-1), 'approval.expired')
})

t.test('a question that is decided keeps no incident open', async (t) => {
  const rig = await asked(t)
  await decide(rig, 'person:ann', true)
  await rig.ordered('gateway')
  await rig.worked(({ incident }) => incident === rig.id)
  await rig.core.change(() => rig.core.lifecycle.setState(rig.id, 'resolved', { name: 'person:ann' }))
  t.equal(rig.core.store.sessions.get(rig.id)?.open, false, 'its session in the ledger is closed')
})

t.test('what came of a command is on the incident, once', async (t) => {
  const rig = await asked(t)
  await decide(rig, 'person:ann', true)
  const event = (type: 'command.applied' | 'command.ended', more: object = {}) =>
    rig.core.change(() =>
      rig.connector.commandEvent?.({
        id: uuidv7(Date.now()),
        time: Date.now(),
        severity: 'info',
        type,
        data: {
          command: rig.answer.id,
          incident: rig.id,
          role: 'gateway',
          action: 'ban_client',
          dry_run: false,
          ...more,
        },
      }),
    )
  await event('command.applied', { expires: 7 })
  await event('command.applied', { expires: 7 })
  t.match(rig.answersOf(rig.id), [{ state: 'applied', expires: 7 }])
  await rig.core.change(() => rig.answers.revoke(rig.answer.id, 'person:ann'))
  t.match((await rig.ordered('gateway')).at(-1), { action: { type: 'revoke', command: rig.answer.id } })
  await event('command.ended', { code: 'ANSWER_REVOKED', reason: 'revoked' })
  await event('command.applied')
  t.match(rig.answersOf(rig.id), [{ state: 'ended' }], 'an event that comes late does not bring it back')
  t.equal(rig.kinds(rig.id).filter((kind) => kind === 'incident.responded').length, 2)
})

t.test('an incident has as many answers as it may have, and says so once', async (t) => {
  const rig = await openRig(t, {
    playbooks: [{ name: 'ban', actions: [{ type: 'ban_client' }] }],
    answers: { max_per_incident: 3 },
  })
  const { id } = await rig.open(attack('203.0.113.1'))
  for (let i = 2; i < 9; i++) await rig.repeat(id, attack(`203.0.113.${i}`))
  t.equal((await rig.ordered('gateway')).length, 3)
  t.equal(rig.kinds(id).filter((kind) => kind === 'incident.failed').length, 1)
})
