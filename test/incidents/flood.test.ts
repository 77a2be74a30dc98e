/**
 * A flood through the product's own processes: what many addresses do stays a number of incidents, alerts and issues that people
 * can read, with true counts, in memory that does not grow. `PORTCULLIS_TEST_FLOOD` says how many blocks.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Agent, request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { alertReceiver, ANSWERS } from './fakes/alert-receiver.js'
import { localServer } from './fakes/local-server.js'
import { FakeOpenPr } from './fakes/openpr.js'
import { runningRoles } from './fixtures/running-roles.js'

const FLOOD = Number(process.env['PORTCULLIS_TEST_FLOOD'] ?? 4000)
const ADDRESSES = Math.ceil(FLOOD / 10)
/** So many of the blocks are real requests to a real gateway. */
const REQUESTS = Math.ceil(FLOOD / 100)
const RULES = 100
/** Incidents that may open before the rest is one storm. */
const MOST = 30
t.setTimeout(120_000 + FLOOD * 10)

interface Listed {
  readonly incidents: { readonly id: string; readonly count: number }[]
}

/** Memory of a process in kB: its own, and with what it shares with files. */
const memoryOf = (pid: number): { readonly own: number; readonly resident: number } => {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  const of = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1])
  return { own: of('RssAnon'), resident: of('VmRSS') }
}

/** Publishes blocks as a gateway does, from a process of its own. */
const producer = (data: string): string => {
  const module = (name: string): string =>
    JSON.stringify(new URL(`../../runtime/${name}`, import.meta.url).href)
  return `const { openOutbox } = await import(${module('lmdb-outbox.js')})
    const { openTopic } = await import(${module('topics.js')})
    const { uuidv7 } = await import(${module('uuid.js')})
    const outbox = openOutbox(${JSON.stringify(join(data, 'outbox'))}, {})
    const events = openTopic(outbox, 'events')
    // A full outbox makes it wait, so that every block is there to be counted.
    const publish = (event) => events.append(Buffer.from(JSON.stringify(event))).catch(async (error) => {
      if (error.code !== 'OUTBOX_FULL') throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
      return publish(event)
    })
    let batch = []
    for (let at = 0; at < ${FLOOD - REQUESTS}; at++) {
      const address = at % ${ADDRESSES}
      const rule = 1 + (at % ${RULES})
      const time = Date.now()
      const data = {
        request_id: uuidv7(time), site: 'default', client: '10.' + (address >> 8) + '.' + (address & 255) + '.1',
        method: 'GET', host: 'example.org', path: '/' + at, action: 'block', mode: 'block', phase: 'sql_injection',
        rule, msg: 'attack', variable: 'ARGS:q', sample: 'x'.repeat(200), status: 403, score: 5, rules: [rule],
      }
      batch.push(publish({ id: uuidv7(time), time, type: 'security.verdict', severity: 'high', data }))
      if (batch.length === 500) batch = void (await Promise.all(batch)) ?? []
    }
    await Promise.all(batch)
    await outbox.close()`
}

t.test('a flood is counted whole and told a bounded number of times, in flat memory', async (t) => {
  const work = join(t.testdir({ work: {} }), 'work')
  const openpr = await FakeOpenPr.start(t)
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
      incidents: { storm: { incidents: MOST } },
      trackers: [
        {
          name: 'edge',
          type: 'openpr',
          base_url: openpr.url,
          project: openpr.project.id,
          token: 'env:FLOOD_TOKEN',
        },
      ],
      alerts: [{ name: 'hook', type: 'webhook', url: hook.url, secret: 'env:FLOOD_TOKEN' }],
    },
    { FLOOD_TOKEN: openpr.bot.token },
  )
  const { child: incidents } = roles.start('incidents')
  const url = await roles.start('gateway').listens
  const { data, eventually } = roles
  const list = async () => (await eventually<Listed>('GET', '/v1/incidents?limit=500')).incidents
  const workOf = async (state: 'waiting' | 'dead') =>
    (await eventually<{ work: unknown[] }>('GET', `/v1/work?state=${state}`)).work
  const counted = async (): Promise<number> => (await list()).reduce((sum, { count }) => sum + count, 0)
  await eventually('GET', '/health')

  const samples: { readonly events: number; readonly own: number; readonly resident: number }[] = []
  const measured = (async () => {
    for (let events = 0; events < FLOOD;) {
      events = await counted()
      samples.push({ events, ...memoryOf(incidents.pid ?? 0) })
      await pause(100)
    }
  })()
  const script = ['--input-type=module', '-e', producer(data)]
  const publishing = spawn(process.execPath, [...process.execArgv, ...script], { stdio: 'inherit' })
  const published = once(publishing, 'exit')
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  t.teardown(() => agent.destroy())
  const attack = (at: number): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const address = `10.${at >> 8}.${at & 255}.1`
      const headers = { 'x-forwarded-for': address }
      const path = `/item/${at}?q=1%27%20UNION%20SELECT%20name%2C%20password%20FROM%20users--`
      const outgoing = httpRequest(`${url}${path}`, { headers, agent }, (response) => {
        response.resume()
        response.on('end', () => resolve(response.statusCode))
      })
      outgoing.on('error', reject)
      outgoing.end()
    })
  const statuses = await Promise.all(Array.from({ length: REQUESTS }, (_, at) => attack(at)))
  t.ok(
    statuses.every((status) => status === 403),
    'every request is refused',
  )
  const [code] = (await published) as [number | null]
  t.equal(code, 0)
  await measured
  while ((await workOf('waiting')).length > 0) await pause(100)

  const found = await list()
  t.equal(await counted(), FLOOD, 'every block is counted once')
  t.equal(found.length, MOST + 1, 'the rest is one storm')
  t.equal(openpr.issues.length, found.length)
  t.equal(hook.received.length, found.length, 'each is announced once')
  t.ok(openpr.comments.length <= found.length)
  t.strictSame(await workOf('dead'), [])

  const quarters = [0, 1, 2, 3].map((quarter) => {
    const part = samples.filter(({ events }) => Math.min(3, Math.floor((events * 4) / FLOOD)) === quarter)
    return Math.max(...part.map(({ own }) => own))
  })
  const [first, second] = [Math.max(...quarters.slice(0, 2)), Math.max(...quarters.slice(2))]
  t.comment(
    `${FLOOD} blocks: ${found.length} incidents, ${openpr.issues.length} issues, ${hook.received.length} alerts; memory of the ` +
      `process at most ${quarters.join(', ')} kB by quarters, resident ${Math.max(...samples.map(({ resident }) => resident))} kB ` +
      `with its files, ${samples.length} samples`,
  )
  // Young garbage comes and goes; what is kept of each block would be far more.
  t.ok(second < first * 1.25 + 32_768, 'memory is flat')
})
