import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer as createHttpsServer } from 'node:https'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import t from 'tap'
import type { Test } from 'tap'

import type { UpstreamFlow, UpstreamRequest } from '../../../gateway/upstream/request.js'
import { Upstream } from '../../../gateway/upstream/upstream.js'
import { TEST_CERTIFICATE, TEST_KEY } from '../listener/test-certificate.js'

const GET: UpstreamRequest = {
  method: 'GET',
  path: '/',
  headers: ['host', 'x'],
  body: null,
  contentLength: undefined,
}
const POST: UpstreamRequest = { ...GET, method: 'POST', body: Buffer.from('abc'), contentLength: 3 }
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

interface Service {
  readonly upstream: Upstream
  /** Every connection that was made, with all that came over it. */
  readonly connections: { readonly socket: Socket; received: string }[]
}

/** A service that does with each piece of bytes what `answer` says. */
const serve = async (
  t: Test,
  answer: (socket: Socket, received: string, connection: number) => void,
  options: Partial<ConstructorParameters<typeof Upstream>[0]> = {},
): Promise<Service> => {
  const connections: Service['connections'] = []
  const server = createServer((socket) => {
    const connection = { socket, received: '' }
    const number = connections.push(connection)
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      connection.received += chunk.toString('latin1')
      answer(socket, connection.received, number)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const upstream = new Upstream({
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connectMs: 5000,
    headersMs: 5000,
    bodyMs: 5000,
    maxRequests: 4,
    ...options,
  })
  t.teardown(async () => {
    upstream.destroy()
    await upstream.close()
    for (const { socket } of connections) socket.destroy()
    server.close()
  })
  return { upstream, connections }
}

interface Reply {
  readonly status: number
  readonly body: string
}

/** Rejects with what `onError` is given; `begin` gets the flow as soon as there is one. */
const send = (
  upstream: Upstream,
  request: UpstreamRequest,
  begin: (flow: UpstreamFlow) => void = () => undefined,
): Promise<Reply> =>
  new Promise((resolve, reject) => {
    let status = 0
    let body = ''
    begin(
      upstream.send(request, {
        onInformational: () => undefined,
        onHead: (received) => (status = received),
        onData: (chunk) => (body += Buffer.from(chunk).toString('latin1')),
        onEnd: () => resolve({ status, body }),
        onError: reject,
      }),
    )
  })

const wholeRequests = (received: string): number => received.split('\r\n\r\n').length - 1

t.test('a connection carries one request after another', async (t) => {
  const { upstream, connections } = await serve(t, (socket) => socket.write(OK))
  for (let n = 0; n < 3; n++) t.same(await send(upstream, n === 1 ? POST : GET), { status: 200, body: 'ok' })
  t.equal(connections.length, 1)
  t.equal(upstream.inFlight, 0)
  t.match(
    connections[0]?.received,
    /^GET \/ HTTP\/1\.1\r\nhost: x\r\n\r\nPOST .*content-length: 3\r\n\r\nabcGET /s,
  )
})

t.test('requests at the same time have connections of their own, up to the limit', async (t) => {
  const waiting: Socket[] = []
  const { upstream, connections } = await serve(t, (socket) => {
    if (waiting.push(socket) === 4) for (const one of waiting) one.write(OK)
  })
  const replies = [1, 2, 3, 4].map(() => send(upstream, GET))
  t.ok(upstream.full)
  await Promise.all(replies)
  t.equal(connections.length, 4)
  t.notOk(upstream.full)
})

t.test('a connection is not used again', async (t) => {
  const bigBody = new Readable({ read: () => undefined })
  const cases: Record<string, { answer: string; request?: UpstreamRequest }> = {
    'after Connection: close': { answer: OK.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n') },
    'with bytes behind the answer': { answer: `${OK}HTTP/1.1 200 OK\r\n` },
    'when it would be closed at once': {
      answer: OK.replace('\r\n\r\n', '\r\nKeep-Alive: timeout=1\r\n\r\n'),
    },
    'while its request was not sent to the end': {
      answer: OK,
      request: { ...POST, body: bigBody, contentLength: 10 },
    },
  }
  for (const [name, { answer, request = GET }] of Object.entries(cases))
    await t.test(name, async (t) => {
      const { upstream, connections } = await serve(t, (socket) => socket.write(answer))
      t.same(await send(upstream, request), { status: 200, body: 'ok' })
      t.same(await send(upstream, GET), { status: 200, body: 'ok' })
      t.equal(connections.length, 2)
    })
  t.ok(bigBody.destroyed)
})

t.test('bytes that nobody asked for end an idle connection', async (t) => {
  const { upstream, connections } = await serve(t, (socket) => socket.write(OK))
  await send(upstream, GET)
  const [first] = connections
  first?.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil')
  if (first !== undefined) await once(first.socket, 'close')
  t.same(await send(upstream, GET), { status: 200, body: 'ok' })
  t.equal(connections.length, 2)
})

t.test('bodies that come bit by bit', async (t) => {
  const { upstream, connections } = await serve(t, (socket, received) => {
    if (received.endsWith('0\r\n\r\n') || received.endsWith('abcdef')) socket.write(OK)
  })
  await send(upstream, {
    ...POST,
    body: Readable.from([Buffer.from('abc'), Buffer.from('def')]),
    contentLength: undefined,
  })
  t.match(connections[0]?.received, /transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n$/)
  await send(upstream, {
    ...POST,
    body: Readable.from([Buffer.from('abc'), Buffer.from('def')]),
    contentLength: 6,
  })
  t.match(connections[0]?.received, /content-length: 6\r\n\r\nabcdef$/)
  for (const contentLength of [5, 7])
    await t.rejects(
      send(upstream, { ...POST, body: Readable.from([Buffer.from('abcdef')]), contentLength }),
      {
        code: 'GATEWAY_UPSTREAM_REQUEST',
      },
    )
})

t.test('a long body goes up and a long answer comes down whole, with pauses', async (t) => {
  const size = 3 * 1024 * 1024
  let received = 0
  const { upstream } = await serve(t, () => undefined)
  const counting = createServer((socket) => {
    socket.on('data', (chunk) => {
      received += chunk.length
      if (received < size) return
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`)
      socket.write(Buffer.alloc(size, 'x'))
      received = -Infinity
    })
  }).listen(0, '127.0.0.1')
  await once(counting, 'listening')
  t.teardown(() => counting.close())
  const origin = `http://127.0.0.1:${(counting.address() as AddressInfo).port}`
  const other = new Upstream({ origin, connectMs: 5000, headersMs: 5000, bodyMs: 5000, maxRequests: 4 })
  t.teardown(() => other.destroy())
  await new Promise<void>((resolve, reject) => {
    let length = 0
    const flow = other.send(
      { ...POST, body: Buffer.alloc(size), contentLength: size },
      {
        onInformational: () => undefined,
        onHead: () => undefined,
        onData: (chunk) => {
          length += chunk.length
          flow.pause()
          setImmediate(() => flow.resume())
        },
        onEnd: () => {
          t.equal(length, size)
          resolve()
        },
        onError: reject,
      },
    )
  })
  t.equal(upstream.inFlight, 0)
})

t.test('a request that is cut takes its connection with it and hears nothing more', async (t) => {
  const { upstream, connections } = await serve(t, (socket, received) => {
    if (wholeRequests(received) === 1) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no')
  })
  let flow: UpstreamFlow | undefined
  const heard: string[] = []
  await new Promise<void>((resolve) => {
    flow = upstream.send(GET, {
      onInformational: () => undefined,
      onHead: () => undefined,
      onData: () => resolve(),
      onEnd: () => heard.push('end'),
      onError: () => heard.push('error'),
    })
  })
  flow?.abort()
  const [first] = connections
  if (first !== undefined) await once(first.socket, 'close')
  t.same(heard, [])
  t.equal(upstream.inFlight, 0)
  flow?.abort()
})

t.test('an answer that is complete cannot be cut, nor the next one by its flow', async (t) => {
  const { upstream } = await serve(t, (socket) => socket.write(OK))
  let old: UpstreamFlow | undefined
  await send(upstream, GET, (flow) => (old = flow))
  const next = send(upstream, GET)
  old?.abort()
  t.same(await next, { status: 200, body: 'ok' })
})

t.test('a kept connection that broke: what may be repeated is, once, on a new one', async (t) => {
  const { upstream, connections } = await serve(t, (socket, received) => {
    if (wholeRequests(received) === 1) socket.write(OK)
    else socket.destroy()
  })
  await send(upstream, GET)
  t.same(await send(upstream, GET), { status: 200, body: 'ok' })
  t.equal(connections.length, 2)
  await t.rejects(send(upstream, POST), { code: /GATEWAY_UPSTREAM_RESPONSE|ECONNRESET/ })
  t.equal(connections.length, 2)
})

t.test('a new connection that breaks is an error', async (t) => {
  const { upstream, connections } = await serve(t, (socket) => socket.destroy())
  await t.rejects(send(upstream, GET))
  t.equal(connections.length, 1)
})

t.test('what takes too long is an error that says so', async (t) => {
  const head = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n'
  for (const [answer, limits] of [
    ['', { headersMs: 50 }],
    ['HTTP/1.1 103 Early Hints\r\n\r\n', { headersMs: 50 }],
    [head, { bodyMs: 50 }],
  ] as const) {
    const { upstream } = await serve(t, (socket) => socket.write(answer), limits)
    await t.rejects(send(upstream, GET), { code: 'ETIMEDOUT' })
  }
})

t.test('closing waits for what is in flight', async (t) => {
  let waiting: Socket | undefined
  const { upstream, connections } = await serve(t, (socket, received) => {
    if (received.includes('/slow')) waiting = socket
    else socket.write(OK)
  })
  await send(upstream, GET)
  const slow = send(upstream, { ...GET, path: '/slow' })
  const closed = upstream.close()
  while (waiting === undefined) await new Promise((resolve) => setImmediate(resolve))
  waiting.write(OK)
  t.same(await slow, { status: 200, body: 'ok' })
  await closed
  t.equal(upstream.inFlight, 0)
  for (const { socket } of connections) if (!socket.closed) await once(socket, 'close')
})

t.test('closing waits for what is sent again', async (t) => {
  let closed = false
  let closedBefore = false
  const { upstream } = await serve(t, (socket, received, connection) => {
    if (connection === 1 && wholeRequests(received) > 1) {
      socket.destroy()
      return
    }
    closedBefore = closed
    socket.write(OK)
  })
  await send(upstream, GET)
  const again = send(upstream, GET)
  const closing = upstream.close().then(() => (closed = true))
  t.same(await again, { status: 200, body: 'ok' })
  await closing
  t.notOk(closedBefore)
})

t.test('over TLS, by the name that is configured and with a certificate that is trusted only', async (t) => {
  const names: unknown[] = []
  const server = createHttpsServer({ cert: TEST_CERTIFICATE, key: TEST_KEY }, (request, response) => {
    names.push([
      request.socket instanceof TLSSocket && Reflect.get(request.socket, 'servername'),
      request.headers.host,
    ])
    if (request.url === '/last') response.setHeader('connection', 'close')
    response.end('ok')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const origin = `https://localhost:${(server.address() as AddressInfo).port}`
  const upstream = new Upstream({ origin, connectMs: 5000, headersMs: 5000, bodyMs: 5000, maxRequests: 1 })
  await t.rejects(send(upstream, GET), { code: /CERT/ })
  await upstream.close()
  t.same(names, [])

  const dir = t.testdir({ 'ca.pem': TEST_CERTIFICATE })
  const script = new URL('ask-https.ts', import.meta.url).pathname
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import=@tapjs/typescript/import', script, origin],
    { env: { ...process.env, NODE_EXTRA_CA_CERTS: join(dir, 'ca.pem') } },
  )
  t.equal(stdout, '[200,200,200]')
  t.same(names, Array(3).fill(['localhost', 'elsewhere.example']))
})
