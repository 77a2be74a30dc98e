import t from 'tap'
import { uuidv7 } from '../../../runtime/uuid.js'
import { attack, badFile, openRig, SHA256 } from './rig.js'

t.test('a proposal on a subject of the incident waits for a person', async (t) => {
  const rig = await openRig(t)
  const { id } = await rig.open(attack())
  await rig.propose(id, { action: 'ban_client', subject: '203.0.113.9', seconds: 600 })
  t.match(rig.answersOf(id), [
    {
      state: 'asked',
      by: 'agent:fixer',
      seconds: 600,
      action: { type: 'ban_client', address: '203.0.113.9' },
    },
  ])
  t.same(await rig.ordered('gateway'), [])
  t.match(rig.kinds(id), ['incident.opened', 'incident.proposed', 'approval.requested'])
})

t.test('what the configuration lets agents do by themselves is ordered at once', async (t) => {
  const rig = await openRig(t, { answers: { proposals: { automatic: ['ban_client', 'block_hash'] } } })
  const { id } = await rig.open(attack())
  await rig.propose(id, { action: 'ban_client', subject: '203.0.113.9' })
  const [command] = await rig.ordered('gateway')
  t.match(command, { incident: id, by: 'agent:fixer', action: { address: '203.0.113.9' }, dry_run: false })
  t.ok((command?.expires ?? 0) <= Date.now() + 86_400_000)
  const file = await rig.open(badFile())
  await rig.propose(
    file.id,
    { action: 'block_hash', subject: SHA256 },
    { action: 'quarantine', subject: SHA256 },
  )
  t.match(await rig.ordered('scanner'), [{ action: { type: 'block_hash', sha256: SHA256 } }])
  t.match(rig.answersOf(file.id), [
    { state: 'ordered' },
    { state: 'asked', action: { path: '/srv/up/shell.php' } },
  ])
})

t.test('no proposal gets around its subject, its action or its time', async (t) => {
  // Everything is automatic: only the policy itself is left to stop them.
  const proposals = {
    automatic: ['ban_client', 'block_url', 'virtual_patch', 'quarantine', 'block_hash'],
    max_seconds: 3600,
  }
  const rig = await openRig(t, { answers: { proposals } })
  const other = await rig.open(attack('198.51.100.77'))
  const incident = await rig.open(attack())
  const { id } = incident
  const refused: [action: string, subject: string, seconds?: number][] = [
    ['ban_client', '198.51.100.77'],
    ['ban_client', '203.0.113.10'],
    ['ban_client', '203.0.113.0/24'],
    ['ban_client', '203.0.113.9/32'],
    ['ban_client', '203.0.113.9/0'],
    ['ban_client', '0.0.0.0/0'],
    ['ban_client', '::ffff:203.0.113.9'],
    ['ban_client', '::ffff:cb00:7109'],
    ['ban_client', '203.0.113.9 '],
    ['ban_client', ' 203.0.113.9'],
    ['ban_client', '203.0.113.9\n'],
    ['ban_client', '203.0.113.9\u0000'],
    ['ban_client', '203.0.113.９'],
    ['ban_client', '203.000.113.009'],
    ['ban_client', '0xcb007109'],
    ['ban_client', '3405803785'],
    ['ban_client', '203.0.113.9,198.51.100.77'],
    ['ban_client', '["203.0.113.9"]'],
    ['ban_client', '%32%30%33.0.113.9'],
    ['ban_client', '127.0.0.1'],
    ['ban_client', other.id],
    ['ban_client', '203.0.113.9', 3601],
    ['ban_client', '203.0.113.9', 31_536_000],
    ['block_url', '/'],
    ['block_url', '/*'],
    ['block_url', '/items'],
    ['block_url', '/%69tem'],
    ['block_url', '/item/../admin'],
    ['block_url', 'shop'],
    ['virtual_patch', 'ARGS:id'],
    ['virtual_patch', '/item" "id:1,phase:1,allow'],
    ['quarantine', '/etc/passwd'],
    ['quarantine', SHA256],
    ['block_hash', SHA256],
    ['block_hash', 'ab'],
    ['delete', '/item'],
    ['kill', '1'],
    ['restore', uuidv7(1)],
    ['revoke', uuidv7(1)],
    ['run_command', 'restart'],
    ['file_issue', 'openpr'],
    ['dispatch_agent', 'fixer'],
    ['notify', 'ops'],
    ['escalate', 'root'],
    ['constructor', '203.0.113.9'],
    ['toString', '203.0.113.9'],
  ]
  for (const [action, subject, seconds] of refused) {
    await rig.propose(id, { action, subject, ...(seconds !== undefined && { seconds }) })
    t.match(
      rig.steps(id).at(-1),
      { kind: 'incident.proposed', facts: { error: /^refused: / } },
      `${action} ${subject}`,
    )
  }
  t.same(rig.answersOf(id), [])
  t.same(await rig.ordered('gateway'), [])
  t.same(await rig.ordered('scanner'), [])
})

t.test('a proposal that comes again, or in another run, is not carried out twice', async (t) => {
  const rig = await openRig(t, { answers: { proposals: { automatic: ['ban_client'] } } })
  const { id } = await rig.open(attack())
  const ban = { action: 'ban_client', subject: '203.0.113.9' }
  await rig.propose(id, ban, ban, ban)
  await rig.propose(id, ban)
  t.equal((await rig.ordered('gateway')).length, 1)
})

t.test('a proposal on an incident that is over is refused', async (t) => {
  const rig = await openRig(t, { answers: { proposals: { automatic: ['ban_client'] } } })
  const { id } = await rig.open(attack())
  await rig.core.change(() => rig.core.lifecycle.setState(id, 'resolved', { name: 'person:a' }))
  await rig.propose(id, { action: 'ban_client', subject: '203.0.113.9' })
  t.same(await rig.ordered('gateway'), [])
})
