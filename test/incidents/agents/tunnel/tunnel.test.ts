import { createHmac, randomUUID } from 'node:crypto'
import { on, once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { WebSocket, WebSocketServer } from 'ws'
import {
  TunnelClient,
  type TaskBook,
  type TaskResult,
  type TunnelTask,
} from '../../../../incidents/agents/tunnel/client.js'
import { openEnvelope, sealEnvelope, type Envelope } from '../../../../incidents/agents/tunnel/envelope.js'
import type { SendableJson } from '../../../../incidents/agents/tunnel/lossless-json.js'
import { MAX_SKEW_S, SeenMessages } from '../../../../incidents/agents/tunnel/seen-messages.js'
import { TunnelServer, type TunnelResult } from '../../../../incidents/agents/tunnel/server.js'
import { IncidentStore } from '../../../../incidents/store.js'
import { outboundConfig } from '../../../../runtime/outbound.js'

const log = pino({ level: 'silent' })
const ACCOUNT = { agent: 'nat', token: 'token-of-nat', secret: 'secret of nat' }
const OTHER = { agent: 'other', token: 'token-of-other', secret: 'secret of other' }
const outbound = outboundConfig.parse({ allow: ['127.0.0.0/8'] })

const store = async (t: Test): Promise<IncidentStore> => {
  // One test opens several, and each call of t.testdir() empties the folder.
  const folder = await mkdtemp(join(tmpdir(), 'tunnel-'))
  const opened = await IncidentStore.open(folder)
  t.teardown(async () => {
    await opened.close()
    await rm(folder, { recursive: true })
  })
  return opened
}

/** A tunnel server on a real socket; `restart` is another one at the same address, with the same memory on disk. */
const serve = async (t: Test) => {
  const root = await store(t)
  const results: (TunnelResult & { readonly agent: string })[] = []
  const changes: [string, boolean][] = []
  let port = 0
  let http: Server
  let server: TunnelServer
  const start = async () => {
    http = createServer((_request, response) => response.writeHead(404).end())
    server = new TunnelServer({
      accounts: [ACCOUNT, OTHER],
      seen: new SeenMessages(root),
      now: Date.now,
      log,
      result: async (agent, result) => {
        results.push({ agent, ...result })
        http.emit('told')
      },
      changed: (agent, connected) => {
        changes.push([agent, connected])
        http.emit('told')
      },
    })
    http.on('upgrade', (request, socket, head) => server.upgrade(request, socket, head))
    http.listen(port, '127.0.0.1')
    await once(http, 'listening')
    port = (http.address() as AddressInfo).port
  }
  const stop = async () => {
    await server.close()
    http.closeAllConnections()
    http.close()
  }
  await start()
  t.teardown(() => stop())
  return {
    url: `ws://127.0.0.1:${port}/v1/agent-tunnel`,
    results,
    changes,
    get server() {
      return server
    },
    until: async (condition: () => boolean) => {
      while (!condition()) await once(http, 'told')
    },
    restart: async () => {
      await stop()
      await start()
    },
  }
}

/** The book of an agent that works at once, or when it is told to. */
const book = () => {
  const taken = new Map<string, TunnelTask>()
  const waiting = new Map<string, TaskResult>()
  const deliveries: string[] = []
  const tasks: TaskBook = {
    take: async (task) => {
      deliveries.push(task.run_id)
      if (!taken.has(task.run_id)) taken.set(task.run_id, task)
    },
    results: () => [...waiting.values()],
    sent: async () => undefined,
    acknowledged: async (run) => void waiting.delete(run),
  }
  return { taken, waiting, deliveries, tasks }
}

const connect = async (
  t: Test,
  url: string,
  more: Partial<ConstructorParameters<typeof TunnelClient>[0]> = {},
) => {
  const own = book()
  const client = new TunnelClient({
    url,
    ...ACCOUNT,
    heartbeatMs: 50,
    outbound,
    seen: new SeenMessages(await store(t)),
    tasks: own.tasks,
    now: Date.now,
    log,
    pauses: { first: 5, longest: 20 },
    ...more,
  })
  t.teardown(() => client.close())
  return { client, ...own }
}

/** A peer that is written by hand, as a legacy one or an attacker would be. */
const raw = async (t: Test, url: string, account = ACCOUNT) => {
  const socket = new WebSocket(url, { headers: { authorization: `Bearer ${account.token}` } })
  t.teardown(() => socket.terminate())
  const frames: string[] = []
  socket.on('message', (data) => {
    frames.push((data as Buffer).toString())
    socket.emit('told')
  })
  await once(socket, 'open')
  const frame = (
    type: string,
    payload: SendableJson,
    more: { id?: string; ts?: number; agent_id?: string } = {},
  ) =>
    sealEnvelope(
      {
        id: more.id ?? randomUUID(),
        type: type as 'heartbeat',
        ts: more.ts ?? Math.floor(Date.now() / 1000),
        agent_id: more.agent_id ?? account.agent,
        payload,
      },
      account.secret,
    )
  return {
    socket,
    frames,
    frame,
    messages: () => frames.map((text) => openEnvelope(text, account.secret)),
    until: async (count: number) => {
      while (frames.length < count) await once(socket, 'told')
    },
  }
}

const result = (run_id: string): SendableJson => ({
  run_id,
  issue_id: 'i',
  status: 'success',
  summary: 'done',
})

void t.test(
  'a task goes to an agent behind NAT, is acknowledged, and its result comes back once',
  async (t) => {
    const at = await serve(t)
    t.equal(await at.server.dispatch('nat', { run_id: 'r0' }, AbortSignal.timeout(5000)), 'absent')
    const agent = await connect(t, at.url)
    await at.until(() => at.server.isConnected('nat'))
    const body = { data: { issue: { id: 'issue-1', title: 'é😀' } } }
    t.equal(await at.server.dispatch('nat', { run_id: 'r1', body }, AbortSignal.timeout(5000)), 'accepted')
    t.strictSame(agent.taken.get('r1'), { run_id: 'r1', issue_id: 'issue-1', body })
    agent.waiting.set('r1', { run_id: 'r1', issue_id: 'issue-1', status: 'success', summary: 'fine' })
    agent.client.flush()
    await at.until(() => at.results.length === 1)
    t.match(at.results, [{ agent: 'nat', run_id: 'r1', status: 'success', summary: 'fine' }])
  },
)

void t.test('both ends go on after either was gone, without a second run', async (t) => {
  const at = await serve(t)
  const agent = await connect(t, at.url)
  await at.until(() => at.server.isConnected('nat'))
  await at.server.dispatch('nat', { run_id: 'r1' }, AbortSignal.timeout(5000))
  await at.restart()
  agent.waiting.set('r1', { run_id: 'r1', issue_id: '', status: 'failed', summary: 'no' })
  await at.until(() => at.server.isConnected('nat') && at.results.length === 1)
  t.equal(await at.server.dispatch('nat', { run_id: 'r1' }, AbortSignal.timeout(5000)), 'accepted')
  t.strictSame(agent.deliveries, ['r1', 'r1'], 'it is offered again')
  t.equal(agent.taken.size, 1, 'and is one task')
})

void t.test('a token opens the tunnel of its agent only', async (t) => {
  const at = await serve(t)
  const http = at.url.replace('ws:', 'http:')
  for (const authorization of [undefined, 'Bearer wrong', 'Basic dG9rZW4=', `Bearer ${ACCOUNT.secret}`]) {
    const socket = new WebSocket(at.url, authorization === undefined ? {} : { headers: { authorization } })
    const [error] = (await once(socket, 'error')) as [Error]
    t.match(error.message, /401/, String(authorization))
  }
  t.equal((await fetch(http)).status, 404)
  const peer = await raw(t, at.url, { ...OTHER, secret: OTHER.secret })
  peer.socket.send(peer.frame('task.result', result('r1'), { agent_id: 'nat' }))
  const [code] = (await once(peer.socket, 'close')) as [number]
  t.equal(code, 1008)
  t.strictSame(at.results, [])
})

void t.test('the secret of one agent signs nothing for another', async (t) => {
  const at = await serve(t)
  const peer = await raw(t, at.url, { ...ACCOUNT, secret: OTHER.secret })
  peer.socket.send(peer.frame('task.result', result('r1')))
  await peer.until(1)
  const answer = openEnvelope(peer.frames[0] ?? '', ACCOUNT.secret)
  t.equal(answer.type, 'error')
  t.match(answer.payload, new Map([['reason', 'bad_signature']]))
  t.strictSame(at.results, [])
})

void t.test('replayed, old and future messages change nothing, over connections and restarts', async (t) => {
  const at = await serve(t)
  const now = Math.floor(Date.now() / 1000)
  const first = await raw(t, at.url)
  const message = first.frame('task.result', result('r1'))
  first.socket.send(message)
  first.socket.send(message)
  first.socket.send(first.frame('task.result', result('old'), { ts: now - MAX_SKEW_S - 5 }))
  first.socket.send(first.frame('task.result', result('future'), { ts: now + MAX_SKEW_S + 5 }))
  first.socket.send(first.frame('task.result', result('r2')))
  await first.until(2)
  await at.restart()
  const second = await raw(t, at.url)
  second.socket.send(message)
  second.socket.send(second.frame('task.result', result('r3'), { ts: now - MAX_SKEW_S + 30 }))
  await second.until(1)
  t.strictSame(
    at.results.map(({ run_id }) => run_id),
    ['r1', 'r2', 'r3'],
  )
})

void t.test('an agent that connects again takes the place of its dead connection', async (t) => {
  const at = await serve(t)
  const first = await raw(t, at.url)
  const gone = once(first.socket, 'close')
  const second = await raw(t, at.url)
  t.equal(((await gone) as [number])[0], 4000)
  const dispatched = at.server.dispatch('nat', { run_id: 'r1' }, AbortSignal.timeout(5000))
  await second.until(1)
  t.match(second.messages(), [{ type: 'task.dispatch', agent_id: 'nat' }])
  second.socket.send(second.frame('task.ack', { run_id: 'another', issue_id: '', status: 'accepted' }))
  second.socket.send(second.frame('task.ack', { run_id: 'r1', issue_id: '', status: 'accepted' }))
  t.equal(await dispatched, 'accepted')
})

void t.test('a connection that ends before the acknowledgement leaves the outcome unknown', async (t) => {
  const at = await serve(t)
  const peer = await raw(t, at.url)
  const dispatched = at.server.dispatch('nat', { run_id: 'r1' }, AbortSignal.timeout(5000))
  await peer.until(1)
  peer.socket.terminate()
  t.equal(await dispatched, 'unknown')
})

void t.test('a peer that says nothing, too much or no text is cut off or told so', async (t) => {
  const at = await serve(t)
  const large = await raw(t, at.url)
  large.socket.send('x'.repeat(300 * 1024))
  t.equal(((await once(large.socket, 'close')) as [number])[0], 1009)
  const binary = await raw(t, at.url)
  binary.socket.send(Buffer.from(binary.frame('heartbeat', { alive: true })))
  await binary.until(1)
  t.match(binary.messages(), [{ type: 'error' }])
  for (let i = 0; i < 5000; i++) binary.socket.send('x')
  t.equal(((await once(binary.socket, 'close')) as [number])[0], 1013)
})

void t.test(
  'a control plane of the old kind is served: no run, the issue in the body, no acknowledgement',
  async (t) => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    t.teardown(() => server.close())
    await once(server, 'listening')
    const connected = once(server, 'connection') as Promise<[WebSocket, IncomingMessage]>
    const agent = await connect(t, `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    const [socket, request] = await connected
    t.equal(request.headers.authorization, `Bearer ${ACCOUNT.token}`)
    const task = (id: string): string => {
      const text =
        `{"id":"${id}","type":"task.dispatch","ts":${Math.floor(Date.now() / 1000)},"agent_id":"nat",` +
        '"payload":{"body":{"bot_context":null,"data":{"issue":{"id":"i7","weight":1.0}}},"issue_id":null}}'
      const sig = createHmac('sha256', ACCOUNT.secret).update(text).digest('hex')
      return `${text.slice(0, -1)},"sig":"sha256=${sig}"}`
    }
    const frame = task('m1')
    const answers = on(socket, 'message')
    const next = async (): Promise<Envelope> => {
      for (;;) {
        const { value } = (await answers.next()) as { value: [Buffer] }
        const message = openEnvelope(value[0].toString(), ACCOUNT.secret)
        if (message.type !== 'heartbeat') return message
      }
    }
    socket.send(frame)
    socket.send(frame)
    t.match(await next(), { type: 'task.ack', payload: new Map([['run_id', 'm1']]) })
    agent.waiting.set('m1', { run_id: 'm1', issue_id: 'i7', status: 'timeout', summary: '' })
    agent.client.flush()
    t.match(await next(), { type: 'task.result', payload: new Map([['issue_id', 'i7']]) })
    t.strictSame(agent.deliveries, ['m1'], 'a replay is not even looked at')
    agent.client.flush()
    socket.send(task('m2'))
    t.match(await next(), { type: 'task.ack', payload: new Map([['run_id', 'm2']]) }, 'no result goes twice')
  },
)

void t.test('the address of a control plane is checked like every outbound one', async (t) => {
  await t.rejects(connect(t, 'ws://127.0.0.1:1/', { outbound: outboundConfig.parse({}) }), {
    code: 'OUTBOUND_REFUSED',
  })
  await t.rejects(connect(t, 'https://example.org/'), { code: 'OUTBOUND_REFUSED' })
})
