import { randomUUID } from 'node:crypto'
import t from 'tap'
import { OPENPR_EVENTS } from '../../../incidents/inbound/openpr-event.js'
import { deliverGitHub, FakeGitHub } from '../fakes/github.js'
import { deliver, FakeOpenPr, SUBSCRIBABLE } from '../fakes/openpr.js'
import { FakeTeamBoard } from '../fakes/team-board.js'
import { openprConfig, operator } from '../trackers/rig.js'
import { openpr, serve, webhook_secrets } from './served.js'

t.test('an issue that is done resolves its incident; one that is opened again re-opens it', async (t) => {
  const { edge, subscribe, answers, filed, store, kinds, comments, work, idle } = await openpr(t)
  subscribe()
  const one = await filed()
  const [issue] = edge.issues
  edge.change(issue!, edge.human, { state: 'in_progress' })
  await answers()
  t.equal(store.get(one.id)?.state, 'in_progress')
  edge.change(issue!, edge.human, { state: 'done' })
  await answers()
  t.equal(store.get(one.id)?.state, 'resolved')
  edge.change(issue!, edge.human, { state: 'backlog' })
  await answers()
  t.equal(store.get(one.id)?.state, 'open')
  edge.say(issue!, edge.human, 'It came from our own test.')
  await answers()
  t.match(comments(one.id), [{ text: 'It came from our own test.', by: 'tracker:edge:Ada' }])
  t.match(
    kinds(one.id).filter((kind) => !/opened|filed/.test(kind)),
    ['incident.updated', 'incident.resolved', 'incident.commented'],
  )
  t.ok(kinds(one.id).includes('incident.reopened'))
  await idle()
  t.same(work(), [])
  t.equal(edge.comments.length, 1, 'nothing goes back to where it came from')
})

t.test('what our own account does is ignored when it comes back', async (t) => {
  const { subscribe, answers, filed, store, change, lifecycle, idle } = await openpr(t)
  subscribe()
  const one = await filed()
  await change(() => {
    lifecycle.setState(one.id, 'in_progress', operator)
    lifecycle.comment(one.id, 'a word', operator)
    lifecycle.setState(one.id, 'resolved', operator)
  })
  await idle()
  const all = await answers()
  t.equal(all.length, 4)
  t.match(
    all.slice(1),
    Array.from({ length: 3 }, () => ({ status: 'ignored', reason: 'own_change' })),
  )
  t.equal(store.get(one.id)?.state, 'resolved')
})

t.test('signatures: each secret is good, anything else is not', async (t) => {
  const { edge, url, count, filed } = await openpr(t)
  await filed()
  const payload = () => ({
    id: randomUUID(),
    event: 'project.created',
    timestamp: new Date().toISOString(),
    workspace: edge.workspace,
    project: edge.project,
    actor: { id: edge.human.id, name: 'Ada', email: '', entity_type: 'human' },
    data: {},
    bot_context: null,
  })
  for (const secret of ['the old secret', 'the new secret'])
    t.match(await deliver(`${url}/edge`, secret, payload()), { status: 200, body: /not_bot_task/ })
  t.match(await deliver(`${url}/edge`, 'another secret', payload()), {
    status: 401,
    body: /"code":"webhook_unsigned"/,
  })
  for (const header of [
    '',
    'sha256=',
    'sha256=00',
    `sha256=${'g'.repeat(64)}`,
    `sha1=${'0'.repeat(40)}`,
    `sha256=${'0'.repeat(63)}`,
  ])
    t.match(
      await deliver(`${url}/edge`, 'the new secret', payload(), { 'x-webhook-signature': header }),
      { status: 401 },
      header,
    )
  t.match(await deliver(`${url}/nobody`, 'the new secret', payload()), {
    status: 404,
    body: /"code":"webhook_unknown"/,
  })
  t.match(await deliver(`${url}/edge`, 'the new secret', payload(), { 'x-webhook-delivery': randomUUID() }), {
    status: 400,
    body: /"code":"webhook_malformed"/,
  })
  t.equal(count('webhook_unsigned'), 7)
})

t.test('the older header of the signature is accepted, with or without its prefix', async (t) => {
  const { edge, url } = await openpr(t)
  const { createHmac } = await import('node:crypto')
  const raw = (id: string) =>
    JSON.stringify({
      id,
      event: 'a.new_event',
      timestamp: new Date().toISOString(),
      project: edge.project,
      actor: { id: edge.human.id, name: 'Ada', entity_type: 'human' },
      data: {},
    })
  for (const prefix of ['', 'sha256=']) {
    const id = randomUUID()
    const body = raw(id)
    const response = await fetch(`${url}/edge`, {
      method: 'POST',
      body,
      headers: {
        'x-openpr-signature': `${prefix}${createHmac('sha256', 'the old secret').update(body).digest('hex')}`,
        'x-webhook-delivery': id,
      },
    })
    t.same(await response.json(), { status: 'ignored', reason: 'unknown_event' })
  }
})

t.test('a webhook counts once, also after a restart; its age counts by what is signed', async (t) => {
  const edge = await FakeOpenPr.start(t)
  const data = t.testdir()
  const configs = () => [openprConfig(edge, 'edge', { webhook_secrets })]
  const payload = (ms: number) => ({
    id: randomUUID(),
    event: 'member.added',
    timestamp: new Date(ms).toISOString(),
    project: edge.project,
    actor: { id: edge.human.id, name: 'Ada', entity_type: 'human' },
    data: {},
    bot_context: null,
  })
  const first = await serve(t, configs(), data)
  const kept = payload(Date.now())
  const send = (served: { url: string }, what: ReturnType<typeof payload>) =>
    deliver(`${served.url}/edge`, 'the new secret', what)
  t.match(await send(first, kept), { status: 200 })
  t.match(await send(first, kept), { status: 409, body: /"code":"webhook_replayed"/ })
  await first.stop()
  const second = await serve(t, configs(), data)
  t.match(await send(second, kept), { status: 409, body: /"code":"webhook_replayed"/ })
  t.match(await send(second, payload(Date.now() - 301_000)), { status: 400, body: /"code":"webhook_stale"/ })
  t.match(await send(second, payload(Date.now() + 301_000)), { status: 400, body: /"code":"webhook_stale"/ })
  second.clock.offset = 301_000
  t.match(
    await send(second, kept),
    { status: 400, body: /"code":"webhook_stale"/ },
    'forgotten only when it is too old',
  )
})

t.test('all 31 events of OpenPR are understood, others are counted', async (t) => {
  const { edge, url, count } = await openpr(t)
  t.equal(Object.keys(OPENPR_EVENTS).length, 31)
  t.same(Object.keys(OPENPR_EVENTS).slice(0, 14), [...SUBSCRIBABLE])
  const issue = {
    id: randomUUID(),
    key: 'EDGE-1',
    title: 'x',
    description: '',
    state: 'todo',
    assignee_ids: [],
    label_ids: [],
  }
  const data: Readonly<Record<string, object>> = {
    issue: { issue, changes: {} },
    comment: {
      comment: { id: 'c', issue_id: issue.id, content: 'x', author_id: null, author_name: null },
      issue,
    },
    label: { issue, label: { id: 'l', name: 'bug', color: '#fff' } },
    sprint: {
      sprint: { id: 's', name: 'One', description: '', status: 'active', start_date: null, end_date: null },
    },
  }
  const send = (event: string, body: unknown = data[event.split('.')[0] ?? ''] ?? {}) =>
    deliver(`${url}/edge`, 'the new secret', {
      id: randomUUID(),
      event,
      timestamp: new Date().toISOString(),
      project: { id: '00000000-0000-0000-0000-000000000000', name: 'workspace', key: 'WORKSPACE' },
      actor: { id: edge.human.id, name: 'Ada', email: 'a@example.org', entity_type: 'human' },
      data: body,
      bot_context: null,
    } as { id: string; event: string })
  for (const event of Object.keys(OPENPR_EVENTS))
    t.match(await send(event), { status: 200, body: /"ignored"/ }, event)
  t.equal(count('unknown_event'), 0)
  t.match(await send('issue.teleported'), {
    status: 200,
    body: /^{"status":"ignored","reason":"unknown_event"}$/m,
  })
  t.match(await send('__proto__'), { status: 200, body: /unknown_event/ })
  t.equal(count('unknown_event'), 2)
  for (const [event, body] of [
    ['issue.created', {}],
    ['comment.created', { issue }],
    ['label.added', { issue }],
    ['sprint.started', null],
    ['member.added', 'x'],
  ] as const)
    t.match(await send(event, body), { status: 400, body: /"code":"webhook_malformed"/ }, event)
})

t.test('tasks of bots go to agents as openpr-webhook sends them', async (t) => {
  const { edge, subscribe, answers, filed, dispatched } = await openpr(t)
  const one = await filed()
  const [issue] = edge.issues
  const byName = edge.addBot('vano bot', 'webhook')
  const byType = edge.addBot('Somebody', 'cli')
  const nobody = edge.addBot('Nobody', 'hub')
  const idle = edge.addBot('idler', 'custom')
  for (const bot of [byName, byType, nobody, idle]) subscribe(bot.id)
  const answered = async () => {
    const all = await answers()
    edge.deliveries.length = 0
    return all.filter((answer) => JSON.stringify(answer) !== '{"status":"ignored","reason":"not_bot_task"}')
  }
  edge.change(issue!, edge.human, { assignee_id: byName.id })
  t.match(await answered(), [
    { status: 'dispatched', agent: 'vano', result: /^run [0-9a-f-]{36} is queued$/ },
  ])
  edge.change(issue!, edge.human, { assignee_id: byType.id })
  t.match(await answered(), [
    { status: 'dispatched', agent: 'fixer', result: /^run [0-9a-f-]{36} is queued$/ },
  ])
  edge.change(issue!, edge.human, { assignee_id: nobody.id })
  t.same(await answered(), [{ status: 'no_agent', bot_name: 'Nobody' }])
  edge.change(issue!, edge.human, { assignee_id: idle.id })
  t.same(await answered(), [{ status: 'dispatched', agent: 'idler', result: 'the agent idler is disabled' }])
  t.same(dispatched(), [
    { incident: one.id, agent: 'vano', by: 'tracker:edge' },
    { incident: one.id, agent: 'fixer', by: 'tracker:edge' },
  ])
})

t.test('what a bot does to its own issue is no new task for it', async (t) => {
  const { edge, subscribe, answers, filed, dispatched, store } = await openpr(t)
  const one = await filed()
  const bot = edge.addBot('vano', 'openclaw')
  subscribe(bot.id)
  const [issue] = edge.issues
  edge.change(issue!, edge.human, { assignee_id: bot.id })
  await answers()
  edge.change(issue!, bot, { state: 'in_progress' })
  await answers()
  edge.change(issue!, bot, { state: 'done' })
  await answers()
  t.equal(dispatched().length, 1)
  t.equal(store.get(one.id)?.state, 'resolved')
})

t.test('an issue that we file for a bot makes one task, however early its webhooks come', async (t) => {
  const edge = await FakeOpenPr.start(t)
  const bot = edge.addBot('vano', 'openclaw')
  const { url, filed, dispatched } = await serve(t, [
    openprConfig(edge, 'edge', { webhook_secrets, assignee: bot.id }),
  ])
  edge.webhooks.push({
    id: 'w',
    url: `${url}/edge`,
    secret: 'the old secret',
    events: SUBSCRIBABLE,
    bot_user_id: bot.id,
  })
  const one = await filed()
  const answers = (await Promise.all(edge.deliveries)).map(({ body }) => JSON.parse(body) as object)
  t.same(dispatched(), [{ incident: one.id, agent: 'vano', by: 'tracker:edge' }])
  t.equal(answers.length, 2)
  t.ok(answers.some((answer) => JSON.stringify(answer) === '{"status":"ignored","reason":"known_task"}'))
})

t.test('a comment that names a bot is a comment and a task', async (t) => {
  const { edge, subscribe, answers, filed, dispatched, comments } = await openpr(t)
  const one = await filed()
  const bot = edge.addBot('vano', 'openclaw')
  subscribe(bot.id)
  edge.say(edge.issues[0]!, edge.human, '@vano look at this', [bot.id])
  t.match(await answers(), [{ status: 'dispatched', agent: 'vano' }])
  t.match(comments(one.id), [{ text: '@vano look at this' }])
  t.equal(dispatched().length, 1)
  // Our own comment can hold what an attacker wrote.
  edge.say(edge.issues[0]!, edge.bot, '@vano obey', [bot.id])
  t.match((await answers()).at(-1), { status: 'ignored', reason: 'own_change' })
})

t.test('an issue that stands for no incident changes none', async (t) => {
  const { edge, subscribe, answers, filed, dispatched, store } = await openpr(t)
  const one = await filed()
  const bot = edge.addBot('vano', 'openclaw')
  subscribe(bot.id)
  const theirs = edge.file(edge.human, 'Another matter', `quotes ${one.id}`)
  edge.change(theirs, edge.human, { assignee_id: bot.id })
  edge.change(theirs, edge.human, { state: 'done' })
  edge.say(theirs, edge.human, 'x')
  t.same([...new Set((await answers()).map((answer) => JSON.stringify(answer)))].toSorted(), [
    '{"status":"ignored","reason":"no_incident"}',
    '{"status":"ignored","reason":"not_bot_task"}',
  ])
  t.same(dispatched(), [])
  t.equal(store.get(one.id)?.state, 'open')
})

t.test('a state that was overtaken on its way is not taken', async (t) => {
  const { edge, filed, store, url } = await openpr(t)
  const one = await filed()
  const moved = (from: string, to: string, ms: number) =>
    deliver(`${url}/edge`, 'the new secret', {
      id: randomUUID(),
      event: 'issue.state_changed',
      timestamp: new Date(ms).toISOString(),
      project: edge.project,
      actor: { id: edge.human.id, name: 'Ada', entity_type: 'human' },
      data: { issue: { id: edge.issues[0]!.id, state: to }, changes: { state: { old: from, new: to } } },
      bot_context: null,
    } as { id: string; event: string })
  const time = Date.now()
  t.match(await moved('in_progress', 'done', time), { body: /applied/ })
  t.match(await moved('todo', 'in_progress', time - 50), { body: /superseded/ })
  t.equal(store.get(one.id)?.state, 'resolved')
})

t.test('github: states, reasons and comments flow back', async (t) => {
  const fake = await FakeGitHub.start(t)
  process.env['HOOKS_GITHUB'] = fake.token
  const { url, filed, store, comments, count } = await serve(t, [
    {
      name: 'code',
      type: 'github',
      base_url: fake.server.url,
      project: fake.repository,
      token: 'env:HOOKS_GITHUB',
      webhook_secrets,
    },
  ])
  const one = await filed()
  let second = 0
  const payload = (action: string, issue: object, more: object = {}) => ({
    action,
    repository: { full_name: 'Acme/Edge' },
    sender: { login: 'ada' },
    issue: {
      number: 1,
      body: '',
      state: 'open',
      updated_at: new Date(Date.now() + 1000 * second++).toISOString(),
      ...issue,
    },
    ...more,
  })
  const send = (event: string, body: unknown, headers = {}) =>
    deliverGitHub(`${url}/code`, 'the old secret', event, body, headers)
  t.match(await send('ping', { zen: 'Keep it logically awesome.', hook_id: 1 }), { status: 200 })
  t.match(await send('issues', payload('closed', { state: 'closed', state_reason: 'not_planned' })), {
    body: /applied/,
  })
  t.equal(store.get(one.id)?.state, 'false_positive')
  t.match(await send('issues', payload('reopened', {})), { body: /applied/ })
  t.equal(store.get(one.id)?.state, 'open')
  const closed = payload('closed', { state: 'closed', state_reason: 'completed' })
  t.match(await send('issues', closed), { body: /applied/ })
  t.equal(store.get(one.id)?.state, 'resolved')
  t.match(await send('issues', closed), { status: 409 }, 'with another delivery id, the same body')
  const comment = { comment: { body: 'done, see #2', updated_at: new Date().toISOString() } }
  t.match(await send('issue_comment', payload('created', {}, comment)), { body: /applied/ })
  t.match(comments(one.id), [{ text: 'done, see #2', by: 'tracker:code:ada' }])
  t.match(
    await send(
      'issues',
      payload('created', {}, { comment: { body: 'x', updated_at: new Date().toISOString() } }),
    ),
    { status: 400 },
    'an event that its header calls something else',
  )
  t.match(await send('issues', payload('closed', {}, { sender: { login: fake.login } })), {
    body: /own_change/,
  })
  t.match(await send('issues', payload('reopened', {}, { repository: { full_name: 'acme/other' } })), {
    body: /not_bot_task/,
  })
  t.match(await send('issue_comment', payload('created', { pull_request: {} }, comment)), {
    body: /not_bot_task/,
  })
  t.match(await send('workflow_run', { action: 'completed' }), { status: 200, body: /unknown_event/ })
  t.equal(count('unknown_event'), 1)
})

t.test('a tracker without webhooks of its own can send ours', async (t) => {
  const board = await FakeTeamBoard.start(t)
  process.env['HOOKS_BOARD'] = board.token
  const { url, filed, store, comments } = await serve(t, [
    {
      name: 'board',
      type: 'teamboard',
      base_url: board.server.url,
      project: board.project,
      token: 'env:HOOKS_BOARD',
      webhook_secrets,
    },
  ])
  const one = await filed()
  const send = (event: string, more: object) =>
    deliver(`${url}/board`, 'the new secret', {
      id: randomUUID(),
      event,
      timestamp: new Date().toISOString(),
      actor: 'ada',
      ...more,
    } as { id: string; event: string })
  t.match(await send('issue.state_changed', { issue: { id: board.tasks[0]!.id, state: 'done' } }), {
    body: /applied/,
  })
  t.equal(store.get(one.id)?.state, 'resolved')
  t.match(await send('comment.created', { issue: { id: board.tasks[0]!.id }, comment: { text: 'hello' } }), {
    body: /applied/,
  })
  t.match(comments(one.id), [{ text: 'hello', by: 'tracker:board:ada' }])
  t.match(await send('issue.moved', { issue: { id: board.tasks[0]!.id } }), { body: /unknown_event/ })
  t.match(await send('comment.created', {}), { status: 400 })
})
