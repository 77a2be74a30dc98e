import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { configSchema } from '../../../cli/config.js'
import { rehearse } from '../../../incidents/playbooks/rehearse.js'
import { attack, badFile, openRig, SHA256 } from '../answers/rig.js'

const person = { name: 'person:ann' }

t.test('a playbook begins when all that it matches on is met', async (t) => {
  const rig = await openRig(t, {
    playbooks: [
      {
        name: 'ban',
        match: {
          severity: 'high',
          sites: ['shop'],
          phases: ['sql_injection'],
          count: 2,
          subjects: ['client'],
        },
        actions: [{ type: 'ban_client', seconds: 600, prefix_v4: 24 }],
      },
      { name: 'never', match: { sites: ['blog'] }, actions: [{ type: 'ban_client' }] },
    ],
  })
  const { id } = await rig.open(attack())
  t.same(await rig.ordered('gateway'), [])
  await rig.repeat(id, attack())
  t.match(await rig.ordered('gateway'), [
    { by: 'playbook:ban', action: { type: 'ban_client', address: '203.0.113.0/24' } },
  ])
  await rig.repeat(id, attack('203.0.113.200'))
  t.same(await rig.ordered('gateway'), [], 'it is in the network that is banned')
  await rig.repeat(id, attack('2001:db8::9'))
  t.match(
    await rig.ordered('gateway'),
    [{ action: { address: '2001:db8:0:0:0:0:0:0/64' } }],
    'a further client',
  )
})

t.test('every action on what the evidence names', async (t) => {
  const rig = await openRig(t, {
    playbooks: [
      {
        name: 'web',
        match: { kinds: ['security.verdict'] },
        actions: [
          { type: 'block_url', approval: false },
          { type: 'virtual_patch', allow: 'integer', max_length: 9 },
        ],
      },
      {
        name: 'file',
        match: { kinds: ['scan.verdict'] },
        actions: [{ type: 'quarantine' }, { type: 'block_hash' }, { type: 'delete' }],
      },
    ],
  })
  await rig.open(attack())
  t.match(await rig.ordered('gateway'), [
    { action: { type: 'block_url', site: 'shop', path: '/item' } },
    { action: { type: 'virtual_patch', variable: 'ARGS:id', allow: 'integer', evidence: ["1' OR 1=1--"] } },
  ])
  const file = await rig.open(badFile(), { detected: { kind: 'scan.verdict' } })
  t.match(await rig.ordered('scanner'), [
    { action: { type: 'quarantine', path: '/srv/up/shell.php', sha256: SHA256 } },
    { action: { type: 'block_hash', sha256: SHA256 } },
  ])
  t.match(rig.answersOf(file.id).at(-1), { state: 'asked', action: { type: 'delete' } })
})

t.test(
  'it waits, goes on when what it waits for comes, and begins anew when the incident is re-opened',
  async (t) => {
    const rig = await openRig(t, {
      incidents: { listen: '127.0.0.1:0', public_url: 'https://portcullis.test' },
      agents: [{ id: 'fixer', type: 'webhook', url: 'https://agent.test/', secret: 'env:S' }],
      playbooks: [
        {
          name: 'care',
          actions: [
            { type: 'dispatch_agent', agent: 'fixer' },
            { type: 'wait_for', what: 'run_completed' },
            { type: 'wait_for', what: 'answered' },
            { type: 'escalate', to: 'ann' },
          ],
        },
      ],
    })
    const { id } = await rig.open(attack())
    t.same(rig.asked, ['dispatch fixer playbook:care'])
    await rig.repeat(id, attack())
    await rig.propose(id, { action: 'ban_client', subject: '203.0.113.9' })
    t.equal(rig.core.store.get(id)?.assignee, undefined, 'a question is open')
    const [question] = rig.answersOf(id)
    await rig.core.change(() => rig.answers.decide(question?.id ?? '', 'person:ann', true))
    t.equal(rig.core.store.get(id)?.assignee, 'ann')
    await rig.ordered('gateway')
    t.equal(rig.core.store.work.waiting(id), 0, 'no timer of a wait that is over is left')
    await rig.core.change(() => rig.core.lifecycle.setState(id, 'resolved', person))
    await rig.core.change(() => rig.core.lifecycle.setState(id, 'open', person))
    t.equal(rig.asked.length, 2)
  },
)

t.test('a wait that is over keeps no later one from its time', async (t) => {
  const rig = await openRig(t, {
    playbooks: [
      {
        name: 'two',
        actions: [
          { type: 'block_url' },
          { type: 'wait_for', what: 'answered' },
          { type: 'wait_for', what: 'time', timeout_seconds: 1 },
          { type: 'escalate', to: 'ann' },
        ],
      },
    ],
  })
  const { id } = await rig.open(attack())
  const [question] = rig.answersOf(id)
  // The queue has seen the first wait.
  await rig.ordered('gateway')
  await rig.core.change(() => rig.answers.decide(question?.id ?? '', 'person:ann', true))
  while (rig.core.store.get(id)?.assignee === undefined) await rig.ordered('gateway')
})

t.test('a wait ends with its time, and may stop the playbook', async (t) => {
  const wait = (how: 'continue' | 'stop') => ({
    name: how,
    actions: [
      { type: 'wait_for', what: 'resolved', timeout_seconds: 1, else: how },
      { type: 'escalate', to: how },
    ],
  })
  const rig = await openRig(t, { playbooks: [wait('continue'), wait('stop')] })
  const { id } = await rig.open(attack())
  while (!rig.kinds(id).includes('incident.failed') || rig.core.store.get(id)?.assignee === undefined)
    await rig.ordered('gateway')
  t.equal(rig.core.store.get(id)?.assignee, 'continue')
})

t.test('what waits ends with the incident, and with it the record', async (t) => {
  const wait = (what: string) => ({
    name: what,
    actions: [
      { type: 'wait_for', what },
      { type: 'escalate', to: what },
    ],
  })
  const after = { ...wait('time'), name: 'after', match: { on: 'resolved' } }
  const playbooks = [wait('run_completed'), wait('time'), wait('resolved')]
  const rig = await openRig(t, { playbooks })
  const { id } = await rig.open(attack())
  t.equal(rig.core.store.work.waiting(id), 3)
  await rig.core.change(() => rig.core.lifecycle.setState(id, 'false_positive', person))
  t.equal(rig.core.store.work.waiting(id), 0, 'no timer is left')
  t.equal(rig.core.store.sessions.get(id)?.open, false)
  t.strictSame(
    rig.steps(id).flatMap(({ kind, facts }) => (kind === 'incident.opened' ? [] : (facts['reason'] ?? kind))),
    [
      'incident.resolved',
      'run_completed: stopped, the incident is false_positive',
      'time: stopped, the incident is false_positive',
      'by playbook resolved',
    ],
  )
  await rig.core.change(() => rig.core.lifecycle.setState(id, 'open', person))
  await rig.repeat(id, attack())
  t.equal(rig.core.store.work.waiting(id), 3, 'they begin anew')

  const later = await openRig(t, { playbooks: [after] }, t.testdir({}))
  const over = await later.open(attack())
  await later.core.change(() => later.core.lifecycle.setState(over.id, 'resolved', person))
  t.equal(later.core.store.sessions.get(over.id)?.open, true, 'what begins at the end may wait')
})

t.test('a dry run says what would be done and does nothing', async (t) => {
  const rig = await openRig(t, {
    alerts: [{ name: 'ops', type: 'webhook', url: 'https://ops.test/', secret: 'env:S' }],
    playbooks: [
      {
        name: 'try',
        dry_run: true,
        actions: [
          { type: 'ban_client' },
          { type: 'block_url' },
          { type: 'notify' },
          { type: 'escalate', to: 'ann' },
        ],
      },
    ],
  })
  const { id } = await rig.open(attack())
  t.match(await rig.ordered('gateway'), [
    { action: { type: 'ban_client' }, dry_run: true },
    { action: { type: 'block_url' }, dry_run: true },
  ])
  t.same(rig.asked, [])
  t.equal(rig.core.store.get(id)?.assignee, undefined)
  t.match(rig.steps(id).at(-1), { facts: { reason: /^dry run of try: escalate/ } })
})

t.test(
  'a listed command runs once, with the incident on its standard input, when a person says yes',
  async (t) => {
    const folder = t.testdir()
    const program = `${folder}/program`
    writeFileSync(program, `#!/bin/sh\ncat > ${folder}/got\necho "$# $1" >> ${folder}/ran\nexit $2\n`)
    chmodSync(program, 0o700)
    const rig = await openRig(
      t,
      {
        answers: {
          commands: [
            { name: 'good', run: [program, 'a b; $(c)', '0'] },
            { name: 'bad', run: [program, 'x', '3'] },
          ],
        },
        playbooks: [
          {
            name: 'run',
            actions: [
              { type: 'run_command', command: 'good' },
              { type: 'run_command', command: 'bad', approval: false },
            ],
          },
        ],
      },
      folder,
    )
    const { id } = await rig.open(attack())
    const [question] = rig.answersOf(id)
    t.match(question, { state: 'asked', action: { type: 'run_command', argv: [program, 'a b; $(c)', '0'] } })
    while (rig.answersOf(id)[1]?.state === 'ordered') await rig.ordered('gateway')
    t.match(rig.answersOf(id)[1], { state: 'refused', reason: /status 3/ })
    await rig.core.change(() => rig.answers.decide(question?.id ?? '', 'person:ann', true))
    while (rig.answersOf(id)[0]?.state === 'ordered') await rig.ordered('gateway')
    t.match(rig.answersOf(id)[0], { state: 'applied' })
    t.equal(readFileSync(`${folder}/ran`, 'utf8'), '2 x\n2 a b; $(c)\n')
    t.equal(JSON.parse(readFileSync(`${folder}/got`, 'utf8')).id, id)
    t.notOk(existsSync('/c'))
  },
)

t.test('a person begins a playbook, and cannot approve what it asks for', async (t) => {
  const rig = await openRig(t, {
    playbooks: [{ name: 'block', match: { on: 'resolved' }, actions: [{ type: 'block_url' }] }],
  })
  const { id } = await rig.open(attack())
  const begin = rig.connector.routes?.find(({ name }) => name === 'beginPlaybook')
  const ask = (body: object) =>
    begin?.handle({
      method: 'POST',
      target: '',
      path: { id },
      query: new URLSearchParams(),
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify(body)),
      channel: 'local',
      actor: 'person:ann',
    })
  t.match(await ask({ playbook: 'block' }), { status: 202 })
  const [question] = rig.answersOf(id)
  const decide = (by: string) => rig.core.change(() => rig.answers.decide(question?.id ?? '', by, true))
  await t.rejects(decide('person:ann'), { code: 'FORBIDDEN' })
  t.match(await decide('person:bob'), { state: 'ordered' })
  await t.rejects(async () => ask({ playbook: 'nothing' }), { code: 'NOT_FOUND' })
})

t.test('a rehearsal names exact actions', async (t) => {
  const rig = await openRig(t, {
    playbooks: [
      {
        name: 'web',
        match: { severity: 'critical' },
        actions: [
          { type: 'ban_client', seconds: 60, approval: true },
          { type: 'quarantine' },
          { type: 'file_issue' },
        ],
      },
    ],
  })
  const incident = await rig.open(attack())
  const [playbook] = rig.core.settings.playbooks
  if (!playbook) throw new Error('no playbook')
  t.same(rehearse(playbook, incident, []), {
    playbook: 'web',
    matches: false,
    would: [
      'ban_client 203.0.113.9 for 60 s once a person says yes',
      'quarantine: nothing in the evidence that it could be done to',
      'file_issue {}',
    ],
  })
})

t.test('a playbook that names what there is not is refused', async (t) => {
  const refused = (actions: object[]) =>
    configSchema
      .safeParse({ playbooks: [{ name: 'a', actions }] })
      .error?.issues.map(({ path, message }) => [path.join('.'), message])
  t.same(refused([{ type: 'dispatch_agent', agent: 'nobody' }]), [
    ['playbooks.0.actions.0.agent', 'there is no agent nobody in the configuration'],
  ])
  t.same(refused([{ type: 'notify', channels: ['ops'] }]), [
    ['playbooks.0.actions.0.channels', 'there is no channel ops in the configuration'],
  ])
  t.equal(refused([{ type: 'run_command', command: 'x' }])?.length, 1)
  t.equal(refused([{ type: 'file_issue', trackers: ['x'] }])?.length, 1)
  t.equal(refused([{ type: 'ban_client', prefix_v4: 23 }])?.length, 1)
  t.equal(refused([{ type: 'explode' }])?.length, 1)
})
