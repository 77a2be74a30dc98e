import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { formatStory, parseStory } from '../../../proofs/incident-story.js'
import { SOCKET_NAME } from '../../../incidents/api/api.js'
import { openOutbox } from '../../../runtime/lmdb-outbox.js'
import { openTopic } from '../../../runtime/topics.js'
import { requestOverSocket } from '../../../runtime/unix-socket.js'
import { uuidv7 } from '../../../runtime/uuid.js'
import { builtCli } from '../fixtures/built-cli.js'
import { runInProcess } from '../fixtures/in-process.js'

const folder = t.testdir({ work: {} })
const work = join(folder, 'work')
const data = join(work, 'data')
const cli = builtCli(work)
const at = (name: string): string => join(work, name)

const start = (role: string): ChildProcess => {
  const child = cli.start([role, '--data', data], { PORTCULLIS_LOG__LEVEL: 'silent' })
  child.stdout?.resume()
  child.stderr?.resume()
  t.teardown(() => child.kill('SIGKILL'))
  return child
}
// Roles are processes of their own, as in truth; a command that ends by itself need not be one each time.
const incidents = (...args: string[]) => runInProcess(['incidents', ...args, '--data', data])
const stop = async (child: ChildProcess): Promise<void> => {
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}

/** What `list --json` prints. */
const listed = async () => {
  const { code, stdout, stderr } = await incidents('list', '--json')
  if (code !== 0) throw new Error(stderr)
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

/** Waits until the role answers: before that, commands work on its store themselves. */
const served = async (role: ChildProcess): Promise<void> => {
  for (let answers = false; !answers; await pause(50)) {
    if (role.exitCode !== null) throw new Error(`the role ended with ${role.exitCode}`)
    answers = await requestOverSocket(join(data, 'incidents'), SOCKET_NAME, {
      method: 'GET',
      target: '/health',
    }).then(
      () => true,
      () => false,
    )
  }
}

t.test('people work on incidents by commands, and the record of it verifies', async (t) => {
  const ledger = start('ledger')
  const role = start('incidents')
  const outbox = openOutbox(join(data, 'outbox'))
  const events = openTopic(outbox, 'events')
  await events.append(
    Buffer.from(
      JSON.stringify({
        id: uuidv7(Date.now()),
        time: Date.now(),
        type: 'operational',
        severity: 'high',
        data: { role: 'gateway', code: 'DISK_FULL', message: 'no room' },
      }),
    ),
  )
  await outbox.close()
  await served(role)
  while ((await listed()).length === 0) await pause(100)
  const [incident] = await listed()
  t.match(incident, {
    state: 'open',
    severity: 'high',
    title: 'gateway: DISK_FULL',
    count: 1,
    issues: [],
  })
  const id = String(incident?.['id'])
  t.match((await incidents('list')).stdout, /^\S+ {2}open {2}high {2}1x {2}.+ {2}gateway: DISK_FULL\n$/)

  t.match(JSON.parse((await incidents('assign', id, 'bob')).stdout), { assignee: 'bob' })
  await incidents('comment', id, 'making room')
  await incidents('start', id)
  t.match(JSON.parse((await incidents('resolve', id, '--reason', 'made room')).stdout), { state: 'resolved' })
  const refused = await incidents('triage', id)
  t.match([refused.code, refused.stderr], [1, /^BAD_TRANSITION: /])
  t.match(await incidents('show', 'none'), { code: 1, stderr: /^INCIDENT_NOT_FOUND: / })
  const shown = JSON.parse((await incidents('show', id)).stdout) as {
    timeline: { kind: string; text?: string }[]
  }
  t.strictSame(
    shown.timeline.map(({ kind }) => kind),
    ['opened', 'assigned', 'commented', 'updated', 'resolved'].map((step) => `incident.${step}`),
  )
  t.equal(shown.timeline[2]?.text, 'making room')

  const closed = await incidents('verify', id)
  t.match([closed.code, closed.stdout], [0, /^ok: .+1 session\(s\), 7 entries, closed: nothing is missing\n/])

  // Nobody needs the role for any of this.
  await stop(role)
  t.match(JSON.parse((await incidents('reopen', id)).stdout), { state: 'open' })
  t.match((await listed())[0], { state: 'open', assignee: 'bob' })
  t.match((await incidents('verify', id)).stdout, /2 session\(s\), 9 entries, open: no gap/)
  await incidents('resolve', id, '--false-positive')

  // What is handed on verifies elsewhere.
  const story = at('story.json')
  const policy = at('policy.txt')
  t.equal((await incidents('export', id, '--out', story)).code, 0)
  writeFileSync(policy, (await runInProcess(['ledger', 'policy', '--data', data])).stdout)
  await stop(ledger)
  const verify = (file: string) => runInProcess(['incidents', 'verify', file, '--trust', policy, '--json'])
  t.match(JSON.parse((await verify(story)).stdout), { incident: id, ok: true, state: 'closed', sessions: 2 })
  t.equal(
    (await runInProcess(['incidents', 'verify', story])).code,
    2,
    'a file says nothing about whom to trust',
  )

  const { bundles } = parseStory(readFileSync(story))
  const [first, second] = bundles.map((bundle) => Buffer.from(bundle))
  if (!first || !second) throw new Error('not two sessions')
  const damaged = {
    'the first session is missing': [second],
    'the sessions are swapped': [second, first],
    'a session stands twice': [first, first],
    'an entry was changed': [
      Buffer.from(first.toString().replace(/"entry":"(.{200})./, (_, kept: string) => `"entry":"${kept}A`)),
      second,
    ],
  }
  for (const [name, sessions] of Object.entries(damaged)) {
    writeFileSync(at('damaged.json'), formatStory({ incident: id, bundles: sessions }))
    const result = await verify(at('damaged.json'))
    t.equal(result.code, 1, name)
    t.match(JSON.parse(result.stdout), { ok: false, code: /^[a-z_]+$/ }, name)
  }
  writeFileSync(at('damaged.json'), formatStory({ incident: uuidv7(1), bundles }))
  t.match(JSON.parse((await verify(at('damaged.json'))).stdout), { ok: false, code: 'wrong_session' })
  writeFileSync(at('damaged.json'), '{}')
  t.equal((await verify(at('damaged.json'))).code, 1)
})

t.test('what was decided while no role ran is followed up when one starts', async (t) => {
  const config = at('deferred.yaml')
  const other = at('other')
  writeFileSync(
    config,
    JSON.stringify({
      data: other,
      log: { level: 'silent' },
      alerts: [{ name: 'hook', type: 'webhook', url: 'http://127.0.0.1:9/', secret: 'env:HOOK_SECRET' }],
      outbound: { allow: ['127.0.0.0/8'] },
    }),
  )
  const run = (...args: string[]) => runInProcess(['incidents', ...args, '--config', config])
  const started = async (): Promise<ChildProcess> => {
    const child = cli.start(['incidents', '--config', config], { HOOK_SECRET: 'a secret' })
    child.stdout?.resume()
    child.stderr?.resume()
    t.teardown(() => child.kill('SIGKILL'))
    return child
  }
  const outbox = openOutbox(join(other, 'outbox'))
  const data = { role: 'scanner', code: 'POOL_DOWN', message: 'x' }
  const event = { id: uuidv7(Date.now()), time: Date.now(), type: 'operational', severity: 'low', data }
  await openTopic(outbox, 'events').append(Buffer.from(JSON.stringify({ ...event, severity: 'high' })))
  await outbox.close()
  const role = await started()
  let id = ''
  while (id === '') {
    await pause(100)
    id = (await run('list')).stdout.split(' ')[0] ?? ''
  }
  await stop(role)
  await run('resolve', id)
  const again = await started()
  // The opening waits for its channel, and so does the end.
  for (let work = 0; work < 2; work = (JSON.parse((await run('show', id)).stdout) as { work: number }).work)
    await pause(100)
  await stop(again)
})
