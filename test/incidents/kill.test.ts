/**
 * The role is killed again and again at random points while its neighbours fail, are away, or take connections and say nothing:
 * nothing may be lost, nothing done twice where the other side can be asked, and the order of each incident kept.
 * `PORTCULLIS_TEST_KILLS` says how often.
 */
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { openOutbox } from '../../runtime/lmdb-outbox.js'
import { openTopic } from '../../runtime/topics.js'
import { gate, type GateState } from './fakes/gate.js'
import { freePort, localServer } from './fakes/local-server.js'
import { mailServer } from './fakes/mail-server.js'
import { FakeOpenPr } from './fakes/openpr.js'
import { fakeTelegram } from './fakes/telegram.js'
import { silent } from './fixtures/core.js'
import { blocked } from './fixtures/detections.js'
import { runningRoles } from './fixtures/running-roles.js'

const KILLS = Number(process.env['PORTCULLIS_TEST_KILLS'] ?? 6)
t.setTimeout(180_000 + KILLS * 30_000)

/** How many kills an outage lasts. */
const OUTAGE = Math.max(2, Math.min(5, Math.floor(KILLS / 10)))
const TOKEN = 'env:KILL_TEST_TOKEN'
const INCIDENT = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/
const FAULTS = [
  'drop-before-commit',
  'drop-after-commit',
  'fail-after-commit',
  'garbage-after-commit',
] as const

const random = (below: number): number => Math.floor(Math.random() * below)

interface Listed {
  readonly incidents: { readonly id: string; readonly state: string; readonly issues: { id: string }[] }[]
}

/** What reached a person, in the order in which it did. A repeat has the id of what it repeats, where the channel has ids. */
interface Told {
  readonly incident: string
  readonly event: string
  readonly id?: string
}

const mailed = (source: string): Told => {
  const [, id = ''] = /^Message-ID: <([^@]+)@/im.exec(source) ?? []
  const [, event = ''] = /^X-Portcullis-Event: (\S+)/im.exec(source) ?? []
  const [, body = ''] = source.replaceAll('=\r\n', '').split(/\r\n\r\n(.*)/s)
  return { id, event, incident: INCIDENT.exec(body)?.[0] ?? '' }
}

/** As the channel's template says. */
const messaged = (text: string): Told => {
  const [event = '', incident = ''] = text.split(' ')
  return { event, incident }
}

t.test('a role that is killed at random points loses nothing and does nothing twice', async (t) => {
  const work = join(t.testdir({ work: {} }), 'work')
  const openpr = await FakeOpenPr.start(t)
  const telegram = await fakeTelegram(t, 'kill-token')
  const { mails, port: mailPort } = await mailServer(t, { disabledCommands: ['STARTTLS', 'AUTH'] })
  const hooked: Told[] = []
  const hook = await localServer(t, (request, response) => {
    void text(request).then((body) => {
      const { id, event, incident } = JSON.parse(body) as {
        id: string
        event: string
        incident: { id: string }
      }
      hooked.push({ id, event, incident: incident.id })
      response.end()
    })
  })

  // OpenClaw takes a run twice under one key and works once; its agent posts what it found a little later.
  const runs = new Map<string, string>()
  const openclaw = await localServer(t, (request, response) => {
    void text(request).then((body) => {
      const { message } = JSON.parse(body) as { message: string }
      const [, told = '""'] = /^data: (.+)$/m.exec(message) ?? []
      const { id } = JSON.parse(JSON.parse(told) as string) as { id: string }
      const key = String(request.headers['idempotency-key'])
      const isNew = !runs.has(key)
      runs.set(key, id)
      const [, url = '', token = ''] =
        /POST to (\S+) with the headers "Authorization: Bearer (\S+)"/.exec(message) ?? []
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true,"runId":"claw"}')
      if (isNew)
        void post(url, token, { run_id: key, status: 'success', summary: 'seen', proposed_actions: [] })
    })
  })
  let ended = false
  t.teardown(() => (ended = true))
  /** Until it is taken, or known to be taken: the role may be dead at the moment. */
  const post = async (url: string, token: string, result: object): Promise<void> => {
    while (!ended) {
      await pause(random(200))
      const answer = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify(result),
      }).catch(() => undefined)
      if (answer && answer.status < 500) return
    }
  }

  const portOf = (url: string): number => Number(new URL(url).port)
  const gates = {
    tracker: await gate(t, portOf(openpr.url)),
    hook: await gate(t, portOf(hook)),
    mail: await gate(t, mailPort),
    chat: await gate(t, portOf(telegram.url)),
    agent: await gate(t, portOf(openclaw)),
  }
  const at = (name: keyof typeof gates, scheme = 'http') => `${scheme}://127.0.0.1:${gates[name].port}`
  const patient = { max_attempts: 100, timeout_seconds: 1 }
  const roles = runningRoles(
    t,
    work,
    {
      outbound: { allow: ['127.0.0.0/8'] },
      incidents: { listen: `127.0.0.1:${await freePort()}`, storm: { incidents: 1000 } },
      playbooks: [
        { name: 'all', actions: [{ type: 'file_issue' }, { type: 'dispatch_agent', agent: 'fixer' }] },
      ],
      agents: [
        {
          id: 'fixer',
          type: 'openclaw',
          url: `${at('agent')}/hooks`,
          token: TOKEN,
          max_concurrent: 50,
          timeout_seconds: 1,
        },
      ],
      trackers: [
        {
          name: 'edge',
          type: 'openpr',
          base_url: at('tracker'),
          project: openpr.project.id,
          token: TOKEN,
          lag_seconds: 0.02,
          timeout_seconds: 1,
        },
      ],
      alerts: [
        { name: 'hook', type: 'webhook', url: at('hook'), secret: TOKEN, ...patient },
        {
          name: 'chat',
          type: 'telegram',
          api_base: at('chat'),
          token: 'env:CHAT_TOKEN',
          chats: [-7],
          template: '{{event}} {{id}}',
          ...patient,
        },
        {
          name: 'mail',
          type: 'email',
          smtp_url: at('mail', 'smtp'),
          from: 'portcullis@example.org',
          to: ['ops@example.org'],
          ...patient,
        },
      ],
    },
    { KILL_TEST_TOKEN: openpr.bot.token, CHAT_TOKEN: 'kill-token' },
  )
  const { data, ask, eventually } = roles

  const outbox = openOutbox(join(data, 'outbox'), { log: silent })
  const events = openTopic(outbox, 'events')
  let rule = 0
  const attack = () => events.append(Buffer.from(JSON.stringify(blocked({ rule: ++rule }))))
  const incidents = async () => (await eventually<Listed>('GET', '/v1/incidents?limit=500')).incidents

  /** Comments that were acknowledged, by incident. */
  const said = new Map<string, string[]>()
  const resolved = new Set<string>()
  let commanded: Promise<void> = Promise.resolve()
  roles.start('incidents')
  for (let kill = 0; kill < KILLS; kill++) {
    for (const [index, of] of Object.values(gates).entries()) {
      const turn = Math.floor(kill / OUTAGE) + index
      // A third of the time each of them is away; for a tenth of the time nobody is there.
      const state: GateState = turn % 3 !== 0 ? 'up' : turn % 2 === 0 ? 'hangs' : 'refuses'
      const together = kill >= KILLS * 0.4 && kill < KILLS * 0.5
      if (kill % OUTAGE === 0 || kill === Math.ceil(KILLS * 0.4)) await of.set(together ? 'refuses' : state)
    }
    if (kill % 2 === 0) openpr.server.faults.push(FAULTS[random(FAULTS.length)] ?? 'drop-after-commit')
    await attack()
    await attack()
    await commanded
    if (kill % 3 === 2) await pause(random(2000))
    else {
      const known = await incidents()
      const victim = known[random(known.length)]?.id
      if (victim !== undefined) {
        const text = `comment ${kill}`
        const note = () => void said.set(victim, [...(said.get(victim) ?? []), text])
        // An answer that does not come leaves it open whether the comment is there.
        await ask('POST', `/v1/incidents/${victim}/comments`, { body: { text } }).then(note, () => undefined)
        if (kill % 4 === 1)
          await ask('PATCH', `/v1/incidents/${victim}`, { body: { state: 'resolved' } }).then(
            () => resolved.add(victim),
            () => undefined,
          )
      }
      await pause(random(400))
    }
    await roles.end('incidents', 'SIGKILL')
    roles.start('incidents')
    if (kill % 4 === 3) {
      // A command races the start: it acts on the store or asks the role, and what follows is not forgotten.
      const victim = [...said.keys()][random(said.size)]
      if (victim === undefined) continue
      const text = `comment ${kill}.5`
      commanded = roles.run('incidents', 'comment', victim, text).then(({ code }) => {
        if (code === 0) said.get(victim)?.push(text)
      })
    }
  }
  await commanded
  for (const of of Object.values(gates)) await of.set('up')
  openpr.server.faults.length = 0
  while ((await incidents()).length < rule) await pause(100)
  const workOf = async (state: 'waiting' | 'dead') =>
    (await eventually<{ work: unknown[] }>('GET', `/v1/work?state=${state}`)).work
  while ((await workOf('waiting')).length > 0) await pause(200)
  t.strictSame(await workOf('dead'), [], 'nothing was given up')

  const found = await incidents()
  t.equal(found.length, rule, 'every detection is an incident')
  t.equal(openpr.issues.length, rule, 'every incident has one issue')
  t.equal(new Set(runs.values()).size, runs.size, 'and was given to the agent once')
  t.strictSame(new Set(runs.values()), new Set(found.map(({ id }) => id)))
  const channels = {
    hook: hooked,
    mail: mails.map(({ source }) => mailed(source)),
    chat: telegram.calls.map(({ parameters }) => messaged(String(parameters['text']))),
  }
  for (const { id, state, issues } of found) {
    const [issue] = issues
    if (resolved.has(id)) t.equal(state, 'resolved')
    t.equal(
      openpr.issues.find((one) => one.id === issue?.id)?.state,
      state === 'resolved' ? 'done' : 'todo',
      'the issue has the state of the incident',
    )
    const texts = openpr.comments
      .filter((comment) => comment.issue === issue?.id)
      .flatMap(({ body }) => /comment [\d.]+/.exec(body)?.[0] ?? [])
    t.equal(new Set(texts).size, texts.length, 'no comment stands twice')
    t.strictSame(
      texts.toSorted((a, b) => Number(a.slice(8)) - Number(b.slice(8))),
      texts,
      'comments stand in their order',
    )
    for (const text of said.get(id) ?? []) t.ok(texts.includes(text), `${text} is there`)
    const expected = ['incident.opened', ...(state === 'resolved' ? ['incident.resolved'] : [])]
    for (const [name, told] of Object.entries(channels)) {
      const mine = told.filter(({ incident }) => incident === id)
      const order = mine.flatMap(({ event }, index) => (event === mine[index - 1]?.event ? [] : [event]))
      t.strictSame(order, expected, `${name} told everything, in its order`)
      if (name !== 'chat')
        t.equal(new Set(mine.map((one) => one.id)).size, expected.length, `${name} marks repeats by their id`)
    }
  }
  const repeats = (told: readonly Told[]): number => told.length - new Set(told.map(({ id }) => id)).size
  t.comment(
    `${KILLS} kills, ${rule} incidents, ${openpr.comments.length} comments, ${resolved.size} resolved; repeated: ` +
      `${repeats(hooked)} of ${hooked.length} webhooks, ${repeats(channels.mail)} of ${mails.length} mails`,
  )

  roles.start('ledger')
  const entries = openTopic(outbox, 'ledger')
  while (entries.depth > 0) await pause(100)
  for (const { id, state } of found) {
    const { sessions } = await eventually<{ sessions: string[] }>('GET', `/v1/incidents/${id}/sessions`)
    for (const session of sessions) {
      const isLast = session === sessions.at(-1)
      const whole = { state: isLast && state !== 'resolved' ? 'open' : 'closed', missing: 0 }
      const told = async (): Promise<unknown> => {
        const target = `/v1/sessions/${session}`
        return (await eventually<{ completeness: unknown }>('GET', target, { of: 'ledger' })).completeness
      }
      // What is in the log shows with its next checkpoint.
      for (let look = 0; look < 100 && !isDeepStrictEqual(await told(), whole); look++) await pause(100)
      t.strictSame(await told(), whole, `session ${session}`)
    }
  }
  const sample = [...found.slice(0, 5), ...found.filter(({ id }) => resolved.has(id)).slice(0, 5)]
  for (const { id, state } of sample) {
    const verified = await roles.run('incidents', 'verify', id)
    t.match(verified.stdout, /^ok: incident/, verified.stderr)
    const count = (step: string) => verified.stdout.match(new RegExp(`incident\\.${step}\\b`, 'g'))?.length
    for (const step of ['filed', 'dispatched', 'result']) t.equal(count(step), 1, step)
    t.equal(count('announced'), state === 'resolved' ? 6 : 3)
  }
  await roles.end('incidents', 'SIGTERM')
  await roles.end('ledger', 'SIGTERM')
  await outbox.close()
})
