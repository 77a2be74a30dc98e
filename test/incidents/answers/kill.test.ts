/**
 * Those who decide about answers and those who carry them out are killed again and again in the middle of it: every answer is
 * carried out once, or the incident says that nobody knows; what ends by itself ends; the ledger says what happened.
 * `PORTCULLIS_TEST_KILLS` says how often.
 */
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { readAnswers } from '../../../gateway/answers/store.js'
import { openOutbox } from '../../../runtime/lmdb-outbox.js'
import { openTopic } from '../../../runtime/topics.js'
import { EICAR } from '../../scanner/sample-files.js'
import { alertReceiver, ANSWERS } from '../fakes/alert-receiver.js'
import { localServer } from '../fakes/local-server.js'
import { silent } from '../fixtures/core.js'
import { blocked } from '../fixtures/detections.js'
import { runningRoles } from '../fixtures/running-roles.js'

const KILLS = Number(process.env['PORTCULLIS_TEST_KILLS'] ?? 6)
t.setTimeout(240_000 + KILLS * 30_000)

interface Given {
  readonly id: string
  readonly incident: string
  readonly state: string
  readonly reason?: string
  readonly digest: string
  readonly action: {
    readonly type: string
    readonly path?: string
    readonly sha256?: string
    readonly address?: string
    readonly command?: string
  }
}

interface Listed {
  readonly incidents: { readonly id: string; readonly title: string; readonly assignee?: string }[]
}

interface Timeline {
  readonly items: {
    readonly kind: string
    readonly facts: { readonly action?: { readonly id?: string }; readonly reason?: string }
  }[]
}

const random = (below: number): number => Math.floor(Math.random() * below)

t.test('an answer is carried out once or its incident says that it is not known', async (t) => {
  const work = join(t.testdir({ work: { uploads: {} } }), 'work')
  const uploads = join(work, 'uploads')
  const ran = join(work, 'ran')
  writeFileSync(ran, '')
  const program = join(work, 'program')
  // Which incident it was started for stands in what it is given.
  writeFileSync(
    program,
    `#!/bin/sh\nid=$(sed 's/^{"id":"\\([^"]*\\).*/\\1/')\necho "$1 $id" >> ${ran}\nsleep 0.5\n`,
  )
  chmodSync(program, 0o700)
  const hook = await alertReceiver(t, ANSWERS.webhook)
  const upstream = await localServer(t, (_, response) => void response.end('the service'))
  const roles = runningRoles(
    t,
    work,
    {
      outbound: { allow: ['127.0.0.0/8'] },
      gateway: {
        listen: '127.0.0.1:0',
        admin: '127.0.0.1:0',
        upstream,
        trusted_proxies: ['127.0.0.1/32'],
      },
      scanner: { watch: [uploads], jobs: 1, model: false },
      incidents: { storm: { incidents: 1000 } },
      answers: {
        commands: [
          { name: 'note', run: [program, 'note'] },
          { name: 'asked', run: [program, 'asked'] },
        ],
        max_per_incident: 1000,
      },
      alerts: [
        { name: 'hook', type: 'webhook', url: hook.url, secret: 'env:KILL_TEST_TOKEN', max_attempts: 100 },
      ],
      playbooks: [
        {
          name: 'web',
          match: { kinds: ['security.verdict'] },
          actions: [
            { type: 'ban_client', seconds: 60 },
            { type: 'block_url', approval: false },
            { type: 'virtual_patch' },
            { type: 'run_command', command: 'note', approval: false },
            { type: 'run_command', command: 'asked' },
            { type: 'wait_for', what: 'answered' },
            { type: 'wait_for', what: 'time', timeout_seconds: 1 },
            { type: 'escalate', to: 'ann' },
          ],
        },
        {
          name: 'file',
          match: { kinds: ['scan.verdict'] },
          actions: [{ type: 'quarantine' }, { type: 'block_hash', seconds: 60 }],
        },
      ],
    },
    { KILL_TEST_TOKEN: 'a secret' },
  )
  const { data, ask, eventually } = roles
  let url: Promise<string> = Promise.resolve('')
  const start = (name: string): void => {
    const { listens } = roles.start(name)
    if (name === 'gateway') url = listens
  }
  const kill = (name: string): Promise<void> => roles.end(name, 'SIGKILL')

  const incidents = async () => (await eventually<Listed>('GET', '/v1/incidents?limit=500')).incidents
  const answersOf = async (incident: string) =>
    (await eventually<{ answers: Given[] }>('GET', `/v1/answers?incident=${incident}`)).answers
  /** Says yes to what is asked, as a person does who looks now and then. */
  const approve = async (): Promise<void> => {
    const { approvals } = await ask<{ approvals: Given[] }>('GET', '/v1/approvals')
    for (const { id, digest } of approvals)
      await ask('POST', `/v1/approvals/${id}`, { body: { decision: 'approve', digest } })
  }

  for (const name of ['incidents', 'gateway', 'scanner']) start(name)
  const outbox = openOutbox(join(data, 'outbox'), { log: silent })
  const events = openTopic(outbox, 'events')
  const attack = (at: number) =>
    events.append(
      Buffer.from(
        JSON.stringify(
          blocked({
            client: `203.0.113.${at + 1}`,
            path: `/item/${at}`,
            rule: 9_608_100 + at,
            sample: "1' OR 1=1--",
          }),
        ),
      ),
    )
  let files = 0
  for (let round = 0; round < KILLS; round++) {
    await attack(round)
    if (round % 3 === 0) writeFileSync(join(uploads, `bad-${++files}.com`), EICAR + ' '.repeat(files))
    await approve().catch(() => undefined)
    const before = readFileSync(ran).length
    const victim = ['incidents', 'gateway', 'incidents', 'scanner'][round % 4] ?? 'incidents'
    // Now and then while a program runs, else at any time.
    if (round % 4 === 2) while (readFileSync(ran).length === before) await pause(5)
    else await pause(random(round % 2 === 0 ? 400 : 2500))
    await kill(victim)
    start(victim)
  }
  /** Until it holds; the test's own time limit ends it. */
  const until = async (holds: () => Promise<boolean>): Promise<void> => {
    while (!(await holds())) await pause(200)
  }
  const isWeb = ({ title }: { title: string }): boolean => /sql injection/.test(title)
  await until(async () => {
    await approve().catch(() => undefined)
    const found = (await incidents()).filter(isWeb)
    return found.length === KILLS && found.every(({ assignee }) => assignee === 'ann')
  })
  await until(async () =>
    Array.from({ length: files }, (_, at) => join(uploads, `bad-${at + 1}.com`)).every(
      (file) => !existsSync(file),
    ),
  )
  const open = new Set(['asked', 'ordered'])
  const every = async (): Promise<Given[]> => {
    const lists: Given[] = []
    for (const { id } of await incidents()) lists.push(...(await answersOf(id)))
    return lists
  }
  await until(async () => !(await every()).some(({ state }) => open.has(state)))

  start('ledger')
  const entries = openTopic(outbox, 'ledger')
  await until(async () => entries.depth === 0)
  const started = readFileSync(ran, 'utf8').split('\n')
  let unknown = 0
  for (const { id, title } of (await incidents()).filter(isWeb)) {
    const given = await answersOf(id)
    const { items: steps } = await eventually<Timeline>('GET', `/v1/incidents/${id}/timeline?limit=500`)
    t.strictSame(
      given.map(({ action }) => action.command ?? action.type).toSorted(),
      ['asked', 'ban_client', 'block_url', 'note', 'virtual_patch'],
      `${title}: each answer was given once`,
    )
    for (const answer of given) {
      const { action, state, reason = '' } = answer
      const mine = steps.filter(({ facts }) => facts.action?.id === answer.id)
      t.equal(mine.filter(({ kind }) => kind === 'incident.commanded').length, 1)
      if (action.type !== 'run_command') {
        // One whose time was over before anybody lived to carry it out is refused, and says so.
        const isLate = /its time was over before/.test(reason)
        t.match(state, isLate ? /^refused$/ : /^(?:applied|ended)$/, `${action.type}: ${reason}`)
        const outcome = isLate ? 'incident.failed' : 'incident.responded'
        const told = mine.filter(({ kind, facts }) => kind === outcome && !facts.reason?.startsWith('ended'))
        t.equal(told.length, 1, 'it is told once')
        continue
      }
      const times = started.filter((line) => line === `${action.command} ${id}`).length
      if (state === 'applied') t.equal(times, 1, 'it ran once')
      else {
        unknown++
        t.equal(state, 'refused')
        t.match(reason, /not known whether it ran/)
        t.ok(times <= 1, 'it did not run twice')
      }
    }
    t.equal(steps.filter(({ kind }) => kind === 'incident.escalated').length, 1)
    const told = hook.received.filter(({ json }) => {
      const { event, incident } = json as { event: string; incident: { id: string } }
      return incident.id === id && event === 'incident.escalated'
    })
    t.equal(new Set(told.map(({ json }) => (json as { id: string }).id)).size, 1, 'it was escalated once')
  }

  const held = (await readAnswers(data)).map(({ command }) => command)
  t.equal(new Set(held).size, held.length)
  const now = await every()
  t.strictSame(
    held.toSorted(),
    now
      .filter(({ action, state }) => /^(?:ban|block_url|virtual)/.test(action.type) && state === 'applied')
      .map(({ id }) => id)
      .toSorted(),
    'what holds at the gateway is what the incidents say',
  )
  const get = async (path: string, client = '198.51.100.1'): Promise<number | undefined> => {
    const at = await url
    return new Promise((resolve) => {
      const headers = { 'x-forwarded-for': client }
      httpRequest(`${at}${path}`, { headers, agent: false }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
        .on('error', () => resolve(undefined))
        .end()
    })
  }
  await until(async () => (await get('/')) === 200)
  // Each from elsewhere: who is refused often is refused for that.
  for (let at = 0; at < KILLS; at++)
    t.equal(await get(`/item/${at}`, `198.51.100.${at + 2}`), 403, 'the path is blocked')
  t.equal(await get('/elsewhere'), 200)

  const stored = (await roles.run('quarantine', 'list', '--json')).stdout
  const paths = stored
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { path: string }).path)
  t.equal(paths.length, files, 'every file is in the vault once')
  t.equal(new Set(paths).size, files)

  // What ends by itself ends, whoever is killed in between.
  await kill('gateway')
  start('gateway')
  await kill('scanner')
  start('scanner')
  await until(async () => {
    const left = (await every()).filter(({ action }) => /^(?:ban_client|block_hash)$/.test(action.type))
    return left.every(({ state }) => state === 'ended' || state === 'refused')
  })
  t.notOk((await readAnswers(data)).some(({ action }) => action.type === 'ban_client'))
  await until(async () => (await get('/', '203.0.113.1')) === 200)

  t.ok(unknown > 0, 'a role was killed while a program ran')
  t.comment(
    `${KILLS} kills, ${now.length} answers, ${unknown} programs of which it is not known whether they ran`,
  )
  for (const { id } of (await incidents()).slice(0, 5)) {
    const verified = await roles.run('incidents', 'verify', id)
    t.match(verified.stdout, /^ok: incident/, verified.stderr)
  }
  for (const name of ['incidents', 'gateway', 'scanner', 'ledger']) await kill(name)
  await outbox.close()
})
