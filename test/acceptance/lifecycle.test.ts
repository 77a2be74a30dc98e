import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { createServer, request } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import { createServer as createSocketServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { ask, ATTACK } from './http-client.js'
import { descendantsOf, isRunning, portcullis, until, up } from './product.js'

const SECRET = 'a secret of this test'

const listen = async (server: Server): Promise<number> => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const freePort = async (): Promise<number> => {
  const server = createSocketServer()
  const port = await listen(server)
  server.close()
  await once(server, 'close')
  return port
}

/** What the ledger answers over its socket in the data folder. */
const askLedger = (data: string, path: string): Promise<number> =>
  new Promise((resolve) => {
    const sent = request({ socketPath: join(data, 'ledger/ledger.sock'), path }, (response) => {
      response.resume()
      response.once('end', () => resolve(response.statusCode ?? 0))
    })
    // There is no socket while the ledger is away.
    sent.once('error', () => resolve(0))
    sent.end()
  })

const folder = t.testdir()
const data = join(folder, 'data')

/** `/slow` waits for its order; everything else is answered at once. */
const slow: ServerResponse[] = []
let slowCame = (): void => undefined
const upstream = createServer((incoming, response) => {
  if (incoming.url !== '/slow') return void response.end('fine')
  response.writeHead(200, { 'content-type': 'text/plain' }).write('first half, ')
  slow.push(response)
  slowCame()
})

interface Announcement {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}
const announcements: Announcement[] = []
const receiver = createServer((incoming, response) => {
  let body = ''
  incoming.setEncoding('utf8').on('data', (text: string) => (body += text))
  incoming.once('end', () => {
    announcements.push({ headers: incoming.headers, body })
    response.end()
  })
})

t.before(async () => {
  const origin = `http://127.0.0.1:${await listen(upstream)}`
  const hook = `http://127.0.0.1:${await listen(receiver)}/hook`
  writeFileSync(
    join(folder, 'config.yaml'),
    `gateway:
  listen: 127.0.0.1:${await freePort()}
  upstream: ${origin}
supervisor:
  back_off_seconds: 0.1
outbound:
  allow: [127.0.0.0/8]
alerts:
  - name: on-call
    type: webhook
    url: ${hook}
    secret: env:HOOK_SECRET
`,
  )
})
t.teardown(() => {
  upstream.close()
  receiver.close()
})

const start = () =>
  up(['--data', data, '--config', 'config.yaml'], {
    cwd: folder,
    env: { HOOK_SECRET: SECRET, PORTCULLIS_GATEWAY__ADMIN: '127.0.0.1:0' },
    flags: [],
  })

const incidents = async (): Promise<{ id: string; title: string; severity: string; count: number }[]> => {
  const { code, stdout, stderr } = await portcullis(['incidents', 'list', '--data', data, '--json'])
  if (code !== 0) throw new Error(stderr)
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { id: string; title: string; severity: string; count: number })
}

/** Ids of all refusals of this file. */
const refused: string[] = []
const attack = async (origin: string): Promise<void> => {
  const { status, id } = await ask(origin, { path: ATTACK })
  if (status !== 403) throw new Error(`the attack got ${status}`)
  refused.push(id)
}

t.test('roles that are killed', async (t) => {
  const product = await start()
  t.teardown(() => product.stop('SIGKILL'))
  t.equal((await ask(product.url)).body, 'fine')

  await t.test('an incident is announced, signed', async (t) => {
    await attack(product.url)
    const announced = await until(() => announcements.find(({ body }) => body.includes('SQL')))
    const mac = createHmac('sha256', SECRET).update(announced.body).digest('hex')
    t.equal(announced.headers['x-webhook-signature'], `sha256=${mac}`)
    const body = JSON.parse(announced.body) as { id: string; timestamp: string; incident: { id: string } }
    t.match(body.id, /^[0-9a-f-]{36}$/)
    t.match(body.timestamp, /^\d{4}-\d\d-\d\dT/)
    const [listed] = (await incidents()).filter(({ id }) => id === body.incident.id)
    t.match(listed, { title: /^Blocked on / })
    const shown = await portcullis(['incidents', 'show', body.incident.id, '--data', data])
    t.match(JSON.parse(shown.stdout), { evidence: [{ summary: new RegExp(refused[0] ?? '?') }] })
  })

  await t.test('kill -9 of the ledger during traffic loses no verdict', async (t) => {
    const before = refused.length
    for (let round = 0; round < 3; round++) {
      const first = product.roles()['ledger'] ?? 0
      await Promise.all(Array.from({ length: 10 }, () => attack(product.url)))
      process.kill(first, 'SIGKILL')
      await Promise.all(Array.from({ length: 10 }, () => attack(product.url)))
      await until(() => {
        const now = product.roles()['ledger']
        return now !== undefined && now !== first
      })
    }
    t.equal(refused.length - before, 60)
    for (const id of refused)
      await until(async () => (await askLedger(data, `/v1/entries/${id}/receipt`)) === 200)
    t.pass('each of them has a receipt')
    const same = (await incidents()).find(({ title }) => title.startsWith('Blocked on '))
    t.equal(same?.count, refused.length, 'one incident, with the true count')
    t.ok((await incidents()).some(({ title }) => title === 'ledger: ROLE_ENDED'))
  })

  await t.test('kill -9 of the gateway: it is started again and serves', async (t) => {
    process.kill(product.roles()['gateway'] ?? 0, 'SIGKILL')
    await product.wrote(/"child":"gateway".*"msg":"a role ended"/, 'stderr')
    await until(async () => (await ask(product.url).catch(() => undefined))?.status === 200)
    await attack(product.url)
    await until(async () => (await ask(product.admin, { path: '/ready' })).status === 200)
    t.pass('ready again')
  })

  await t.test('kill -9 of the supervisor ends every process', async (t) => {
    const below = descendantsOf(product.pid)
    t.ok(below.length >= 4, `${below.length} processes`)
    await product.stop('SIGKILL')
    await until(() => below.every((pid) => !isRunning(pid)))
    t.pass('none is left')
  })
})

t.test('a stop finishes what is in flight', async (t) => {
  const product = await start()
  t.teardown(() => product.stop('SIGKILL'))
  for (const id of refused)
    await until(async () => (await askLedger(data, `/v1/entries/${id}/receipt`)) === 200)
  t.pass('what was recorded before everything was killed is there')
  const came = new Promise<void>((resolve) => (slowCame = resolve))
  const answer = ask(product.url, { path: '/slow' })
  await came
  // Service managers signal every process of the group, and the supervisor signals its roles again.
  for (const pid of [product.pid, ...Object.values(product.roles())]) process.kill(pid, 'SIGTERM')
  await product.wrote(/"msg":"gateway stops"/, 'stderr')
  await until(() =>
    ask(product.url).then(
      () => false,
      () => true,
    ),
  )
  for (const response of slow) response.end('second half')
  t.match(await answer, { status: 200, body: 'first half, second half' })
  const { code, stderr } = await product.ended
  t.equal(code, 0, 'it ends well', { stderr })
  for (const role of ['gateway', 'scanner', 'incidents', 'ledger', 'up'])
    t.match(stderr, new RegExp(`"msg":"${role} stopped"`))
  t.notMatch(stderr, /"level":"(?:warn|error|fatal)"/)
  t.equal(
    (await incidents()).find(({ title }) => title === 'gateway: ROLE_ENDED')?.count,
    1,
    'a stop is no incident: that one was the kill -9',
  )
})
