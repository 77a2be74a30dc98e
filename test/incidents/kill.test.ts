/**
 * The role is killed again and again at random points while its neighbours fail: nothing may be lost, nothing done twice where
 * the other side can be asked, and the order of each incident kept. `PORTCULLIS_TEST_KILLS` says how often.
 */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { openOutbox } from '../../runtime/lmdb-outbox.js'
import { openTopic } from '../../runtime/topics.js'
import { requestOverSocket } from '../../runtime/unix-socket.js'
import { uuidv7 } from '../../runtime/uuid.js'
import { builtCli } from '../cli/fixtures/built-cli.js'
import { silent } from './fixtures/core.js'
import { FakeOpenPr } from './fakes/openpr.js'

const KILLS = Number(process.env['PORTCULLIS_TEST_KILLS'] ?? 6)
t.setTimeout(120_000 + KILLS * 20_000)

const random = (below: number): number => Math.floor(Math.random() * below)

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

t.test('a role that is killed at random points loses nothing and does nothing twice', async (t) => {
  const folder = t.testdir({ work: {} })
  const work = join(folder, 'work')
  const data = join(work, 'data')
  const cli = builtCli(work)
  const openpr = await FakeOpenPr.start(t)

  // Alerts come at least once, each with an id by which a repeat is known.
  const alerts = new Map<string, { incident: string; event: string }>()
  let alertsDown = false
  const receiver = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      if (alertsDown) return void response.destroy()
      const { id, event, incident } = JSON.parse(body) as {
        id: string
        event: string
        incident: { id: string }
      }
      alerts.set(id, { incident: incident.id, event })
      response.end()
    })
  }).listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  t.teardown(() => {
    receiver.closeAllConnections()
    receiver.close()
  })

  // OpenClaw takes a run twice under one key and works once; its agent posts what it found a little later.
  const runs = new Map<string, { incident: string; handed: number }>()
  let agentDown = false
  const openclaw = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      if (agentDown) return void response.destroy()
      const { message } = JSON.parse(body) as { message: string }
      const [, data = '""'] = /^data: (.+)$/m.exec(message) ?? []
      const { id } = JSON.parse(JSON.parse(data) as string) as { id: string }
      const key = String(request.headers['idempotency-key'])
      runs.set(key, { incident: id, handed: (runs.get(key)?.handed ?? 0) + 1 })
      const [, url = '', token = ''] =
        /POST to (\S+) with the headers "Authorization: Bearer (\S+)"/.exec(message) ?? []
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true,"runId":"claw"}')
      void post(url, token, { run_id: key, status: 'success', summary: 'seen', proposed_actions: [] })
    })
  }).listen(0, '127.0.0.1')
  await once(openclaw, 'listening')
  t.teardown(() => {
    openclaw.closeAllConnections()
    openclaw.close()
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
  const port = await freePort()

  const config = join(work, 'portcullis.yaml')
  writeFileSync(
    config,
    JSON.stringify({
      data,
      log: { level: 'silent' },
      outbound: { allow: ['127.0.0.0/8'] },
      incidents: { listen: `127.0.0.1:${port}`, storm: { incidents: 1000 } },
      playbooks: [
        { name: 'all', actions: [{ type: 'file_issue' }, { type: 'dispatch_agent', agent: 'fixer' }] },
      ],
      agents: [
        {
          id: 'fixer',
          type: 'openclaw',
          url: `http://127.0.0.1:${(openclaw.address() as AddressInfo).port}/hooks`,
          token: 'env:KILL_TEST_TOKEN',
          max_concurrent: 50,
        },
      ],
      trackers: [
        {
          name: 'edge',
          type: 'openpr',
          base_url: openpr.url,
          project: openpr.project.id,
          token: 'env:KILL_TEST_TOKEN',
          lag_seconds: 0.02,
        },
      ],
      alerts: [
        {
          name: 'hook',
          type: 'webhook',
          url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`,
          secret: 'env:KILL_TEST_TOKEN',
          max_attempts: 100,
        },
      ],
    }),
  )
  const env = { KILL_TEST_TOKEN: openpr.bot.token }
  const role = (name: string): ChildProcess => {
    const child = cli.start([name, '--config', config], env)
    child.stdout?.resume()
    child.stderr?.resume()
    return child
  }
  const stop = async (child: ChildProcess, signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }

  const outbox = openOutbox(join(data, 'outbox'), { log: silent })
  const events = openTopic(outbox, 'events')
  let rule = 0
  const attack = () =>
    events.append(
      Buffer.from(
        JSON.stringify({
          id: uuidv7(Date.now()),
          time: Date.now(),
          type: 'security.verdict',
          severity: 'high',
          data: {
            request_id: uuidv7(Date.now()),
            site: 'default',
            client: '192.0.2.7',
            method: 'GET',
            host: 'example.org',
            path: '/',
            action: 'block',
            mode: 'block',
            phase: 'sql_injection',
            rule: ++rule,
            msg: 'attack',
            status: 403,
            score: 5,
            rules: [rule],
          },
        }),
      ),
    )
  const ask = async (method: string, target: string, body?: object) => {
    const answer = await requestOverSocket(join(data, 'incidents'), 'incidents.sock', {
      method,
      target,
      ...(body && { contentType: 'application/json', body: Buffer.from(JSON.stringify(body)) }),
    })
    if (answer.status >= 300) throw new Error(`${method} ${target}: ${answer.status}`)
    return JSON.parse(Buffer.from(answer.body).toString()) as Record<string, never>
  }
  /** Asks until the role answers. */
  const eventually = async (method: string, target: string, body?: object) => {
    for (;;)
      try {
        return await ask(method, target, body)
      } catch {
        await pause(50)
      }
  }
  const incidents = async (): Promise<{ id: string; issues: unknown[] }[]> =>
    (await eventually('GET', '/v1/incidents?limit=500'))['incidents'] ?? []

  /** Comments that were acknowledged, by incident and in order. */
  const said = new Map<string, string[]>()
  let child = role('incidents')
  t.teardown(() => stop(child, 'SIGKILL'))
  const faults = [
    'drop-before-commit',
    'drop-after-commit',
    'fail-after-commit',
    'garbage-after-commit',
  ] as const
  for (let kill = 0; kill < KILLS; kill++) {
    alertsDown = kill % 3 === 1
    agentDown = kill % 5 === 2
    if (kill % 2 === 0) openpr.server.faults.push(faults[random(faults.length)] ?? 'drop-after-commit')
    await attack()
    await attack()
    const known = await incidents()
    const victim = known[random(known.length)]
    if (victim) {
      const text = `comment ${kill}`
      // An answer that does not come leaves it open whether the comment is there.
      await ask('POST', `/v1/incidents/${victim.id}/comments`, { text }).then(
        () => said.set(victim.id, [...(said.get(victim.id) ?? []), text]),
        () => undefined,
      )
    }
    await pause(random(250))
    await stop(child, 'SIGKILL')
    child = role('incidents')
  }
  alertsDown = false
  agentDown = false
  openpr.server.faults.length = 0
  while ((await incidents()).length < rule) await pause(100)
  for (;;) {
    const { work: waiting } = await eventually('GET', '/v1/work?state=waiting')
    if ((waiting as unknown as unknown[]).length === 0) break
    await pause(200)
  }
  const dead = (await eventually('GET', '/v1/work?state=dead'))['work'] as unknown
  t.strictSame(dead, [], 'nothing was given up')

  const found = await incidents()
  t.equal(found.length, rule, 'every detection is an incident')
  t.equal(openpr.issues.length, rule, 'every incident has one issue')
  for (const { id, issues } of found) {
    const [issue] = issues as { id: string }[]
    const comments = openpr.comments.filter((comment) => comment.issue === issue?.id)
    const texts = comments.flatMap(({ body }) => /comment \d+/.exec(body)?.[0] ?? [])
    t.equal(new Set(texts).size, texts.length, 'no comment stands twice')
    t.strictSame(
      texts.toSorted((a, b) => Number(a.slice(8)) - Number(b.slice(8))),
      texts,
      'comments stand in their order',
    )
    for (const text of said.get(id) ?? []) t.ok(texts.includes(text), `${text} is there`)
    const opened = [...alerts.values()].filter((alert) => alert.incident === id)
    t.strictSame(opened, [{ incident: id, event: 'incident.opened' }], 'announced under one id')
    t.equal([...runs.values()].filter(({ incident }) => incident === id).length, 1, 'one run')
  }

  const ledger = role('ledger')
  t.teardown(() => stop(ledger, 'SIGKILL'))
  for (const { id } of found.slice(0, 5)) {
    const verified = await cli.run(['incidents', 'verify', id, '--config', config], env)
    t.match(verified.stdout, /^ok: incident/, verified.stderr)
    for (const step of ['filed', 'announced', 'dispatched', 'result'])
      t.equal(verified.stdout.match(new RegExp(`incident\\.${step}\\b`, 'g'))?.length, 1, step)
  }
  await stop(child, 'SIGTERM')
  await stop(ledger, 'SIGTERM')
  await outbox.close()
})
