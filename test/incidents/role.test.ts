import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { configSchema } from '../../cli/config.js'
import { alertsConfig } from '../../incidents/alerts/config.js'
import { startIncidents } from '../../incidents/role.js'
import { IncidentStore } from '../../incidents/store.js'
import { openActionSigner } from '../../ledger/client/action-signer.js'
import { openLedgerRecorder, rolePaths } from '../../ledger/client/client.js'
import type { Event } from '../../runtime/events.js'
import { openOutbox } from '../../runtime/lmdb-outbox.js'
import { readSecret } from '../../runtime/secret.js'
import { openTopic } from '../../runtime/topics.js'
import { requestOverSocket } from '../../runtime/unix-socket.js'
import { noRecorder } from './fixtures/core.js'
import { blocked } from './fixtures/detections.js'

const log = pino({ level: 'silent' })
const SECRET = 'a secret for this test'
process.env['TEST_WEBHOOK_SECRET'] = SECRET

interface Received {
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** A webhook receiver that answers with what it is told to, then 200. */
const receiver = async (t: Test, answers: number[] = []) => {
  const received: Received[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      response.writeHead(answers.shift() ?? 200).end()
      received.push({ headers: request.headers, body })
      server.emit('received')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const until = async (count: number): Promise<void> => {
    while (received.length < count) await once(server, 'received')
  }
  return { received, until, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?x=1` }
}

const start = async (data: string, url?: string, allow: string[] = ['127.0.0.0/8'], maxAttempts = 12) => {
  const outbox = openOutbox(join(data, 'outbox'), { log })
  const ledger = await openLedgerRecorder({
    agent: 'incidents',
    ...rolePaths(data, 'incidents'),
    topic: openTopic(outbox, 'ledger'),
    clock: { now: () => Date.now() },
    maxDelayMs: 5,
  })
  const alert = {
    name: 'hook',
    type: 'webhook',
    url,
    secret: 'env:TEST_WEBHOOK_SECRET',
    max_attempts: maxAttempts,
    timeout_seconds: 5,
  }
  const events = openTopic(outbox, 'events')
  const role = await startIncidents({
    recorder: noRecorder,
    settings: configSchema.parse({
      alerts: url === undefined ? [] : [alert],
      outbound: { allow },
    }),
    folder: join(data, 'incidents'),
    events,
    ledger: openTopic(outbox, 'ledger'),
    commands: {
      gateway: openTopic(outbox, 'commands.gateway'),
      scanner: openTopic(outbox, 'commands.scanner'),
    },
    signer: await openActionSigner('incidents', rolePaths(data, 'incidents').keyFile),
    now: () => Date.now(),
    log,
  })
  return {
    ledger,
    topic: openTopic(outbox, 'ledger'),
    publish: async (...list: Event[]) => {
      await Promise.all(list.map((event) => events.append(Buffer.from(JSON.stringify(event)))))
      await role.settled()
    },
    raw: (text: string) => events.append(Buffer.from(text)),
    settled: () => role.settled(),
    stop: async () => {
      await role.close()
      await ledger.close()
      await outbox.close()
    },
  }
}

const stored = async (data: string) => {
  const store = await IncidentStore.open(join(data, 'incidents'))
  const found = {
    incidents: [...store.list()],
    deliveries: [...store.work.list()],
    steps: store.sessions.pending(10),
  }
  await store.close()
  return found
}

t.test(
  'a detection becomes one incident, announced once with a signature, each step in the ledger',
  async (t) => {
    const data = t.testdir()
    const hook = await receiver(t)
    const role = await start(data, hook.url)
    await role.publish(blocked(), blocked({ client: '198.51.100.1' }), blocked({ path: '/other' }))
    await hook.until(1)
    t.ok(role.topic.depth >= 3, 'the session, its opening and what happened are on their way to the ledger')
    await role.stop()
    const { incidents, deliveries, steps } = await stored(data)
    t.match(incidents, [
      {
        state: 'open',
        severity: 'high',
        count: 3,
        title: 'Blocked on default: sql injection (rule 9610100)',
      },
    ])
    t.equal(incidents[0]?.evidence.length, 3)
    t.strictSame(deliveries, [])
    t.strictSame(steps, [], 'every step is in the outbox of the ledger')
    const [first] = hook.received
    const body = JSON.parse(first?.body ?? '') as Record<string, unknown>
    t.match(body, {
      event: 'incident.opened',
      id: first?.headers['x-webhook-delivery'],
      incident: { count: 1 },
    })
    t.match(body['timestamp'], /^\d{4}-\d\d-\d\dT/)
    const expected = `sha256=${createHmac('sha256', SECRET)
      .update(first?.body ?? '')
      .digest('hex')}`
    t.equal(first?.headers['x-webhook-signature'], expected)
    t.equal(first?.headers['x-webhook-event'], 'incident.opened')
    t.equal(hook.received.length, 1)
  },
)

t.test('an alert that is refused comes again with the same id and bytes', async (t) => {
  const data = t.testdir()
  const hook = await receiver(t, [503, 302])
  const role = await start(data, hook.url)
  await role.publish(blocked())
  await hook.until(3)
  await role.stop()
  t.equal(new Set(hook.received.map(({ body }) => body)).size, 1)
  t.strictSame((await stored(data)).deliveries, [])
})

t.test('an alert that waits survives a restart', async (t) => {
  const data = t.testdir()
  const hook = await receiver(t)
  const closed = await start(data, 'http://127.0.0.1:9/')
  await closed.publish(blocked())
  await closed.stop()
  const [waiting] = (await stored(data)).deliveries
  t.match(waiting, { state: 'waiting', kind: 'alert', target: 'hook' })
  const again = await start(data, hook.url)
  await hook.until(1)
  await again.stop()
  t.equal(hook.received[0]?.headers['x-webhook-delivery'], waiting?.id)
})

t.test('an alert given up is kept, with its reason', async (t) => {
  const data = t.testdir()
  const hook = await receiver(t, [500])
  const role = await start(data, hook.url, ['127.0.0.0/8'], 1)
  await role.publish(blocked())
  await hook.until(1)
  await role.stop()
  t.match((await stored(data)).deliveries, [{ state: 'dead', attempt: 1, last_error: 'hook answered 500' }])
})

t.test('an alert to a private address is refused unless the operator names it', async (t) => {
  const data = t.testdir()
  const hook = await receiver(t)
  const role = await start(data, hook.url, [], 1)
  await role.publish(blocked())
  await role.stop()
  t.strictSame(hook.received, [])
  t.match((await stored(data)).deliveries, [{ state: 'dead', last_error: /not a public address/ }])
})

t.test('events are counted once, also when they come again after a crash', async (t) => {
  const data = t.testdir()
  const first = await start(data)
  await first.publish(...Array.from({ length: 25 }, () => blocked()))
  await first.stop()
  const second = await start(data)
  await second.publish(...Array.from({ length: 90 }, () => blocked()))
  await second.stop()
  const { incidents } = await stored(data)
  t.match(incidents, [{ count: 115 }])
  t.equal(incidents[0]?.evidence.length, 20, 'evidence is bounded')
})

t.test('a role that serves has taken in what waited for it', async (t) => {
  const data = t.testdir()
  const outbox = openOutbox(join(data, 'outbox'), { log })
  const events = openTopic(outbox, 'events')
  // More than one batch, and far from as many as would take longer than a role waits for them on any machine.
  const waiting = Array.from({ length: 300 }, (_, at) => blocked({ rule: 1 + (at % 20) }))
  await Promise.all(waiting.map((event) => events.append(Buffer.from(JSON.stringify(event)))))
  await outbox.close()
  const role = await start(data)
  const { body } = await requestOverSocket(join(data, 'incidents'), 'incidents.sock', {
    target: '/v1/incidents',
  })
  const { incidents } = JSON.parse(Buffer.from(body).toString()) as { incidents: { count: number }[] }
  t.strictSame(new Set(incidents.map(({ count }) => count)), new Set([15]))
  await role.stop()
})

t.test('a more severe repeat raises the incident and says so', async (t) => {
  const data = t.testdir()
  const hook = await receiver(t)
  const role = await start(data, hook.url)
  await role.publish(blocked({}, 'medium'), blocked({}, 'critical'))
  await hook.until(2)
  await role.stop()
  t.strictSame(
    hook.received.map(({ headers }) => headers['x-webhook-event']),
    ['incident.opened', 'incident.raised'],
  )
  t.match((await stored(data)).incidents, [{ severity: 'critical', count: 2 }])
})

t.test('a flood from many addresses and paths is one incident with the true count', async (t) => {
  const data = t.testdir()
  const role = await start(data)
  const flood = Array.from({ length: 5000 }, (_, at) =>
    blocked({ client: `10.0.${at >> 8}.${at & 255}`, path: `/${at}` }),
  )
  await role.publish(...flood)
  await role.stop()
  t.match((await stored(data)).incidents, [{ count: 5000 }])
})

t.test('what cannot be read does not stop what comes after it', async (t) => {
  const data = t.testdir()
  const role = await start(data)
  await role.raw('{ not json')
  await role.raw('{"type":"operational","severity":"high"}')
  await role.raw('{"type":"of.the.future","severity":"high"}')
  await role.publish(blocked())
  await role.stop()
  t.equal((await stored(data)).incidents.length, 1)
})

t.test('a channel without its secret does not start', async (t) => {
  const alerts = alertsConfig.parse([
    { name: 'hook', type: 'webhook', url: 'https://example.org/', secret: 'env:NO_SUCH_SECRET' },
  ])
  t.equal(alerts.length, 1)
  await t.rejects(readSecret('env:NO_SUCH_SECRET'), {
    code: 'SECRET_MISSING',
    message: /env:NO_SUCH_SECRET/,
  })
  t.throws(() =>
    alertsConfig.parse([{ name: 'hook', type: 'webhook', url: 'https://e.org/', secret: 'plain text' }]),
  )
})
