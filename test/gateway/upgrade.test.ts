import { once } from 'node:events'
import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import t from 'tap'
import { WebSocket, WebSocketServer } from 'ws'

import { echo, LISTENERS, startUnderTest, startUpstream } from './gateway-fixture.js'

const open = async (
  url: string,
  options: ConstructorParameters<typeof WebSocket>[2] = {},
  protocols: string[] = [],
) => {
  const socket = new WebSocket(url, protocols, { perMessageDeflate: false, ...options })
  await once(socket, 'open')
  return socket
}

const refusal = (
  url: string,
): Promise<{ status: number; headers: IncomingMessage['headers']; body: string }> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url)
    socket.on('error', reject)
    socket.on('open', () => reject(new Error('it opened')))
    socket.on('unexpected-response', (_, res) => {
      let body = ''
      res.on('data', (chunk: Buffer) => (body += chunk.toString()))
      res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, body }))
    })
  })

for (const listener of LISTENERS)
  t.test(`through the ${listener} listener`, async (t) => {
    const upstream = await startUpstream(t, (req, res) => {
      if (req.url === '/plain') res.writeHead(426, { 'x-why': 'no' }).end('upgrade refused')
      else echo(req, res)
    })
    const sockets = new WebSocketServer({
      noServer: true,
      handleProtocols: (offered) => [...offered].at(-1) ?? false,
    })
    let lastClose: Promise<unknown[]> = Promise.resolve([])
    upstream.server.on('upgrade', (req, socket, head) => {
      upstream.seen.push({ method: 'UPGRADE', url: req.url ?? '', raw: req.rawHeaders, headers: req.headers })
      if (req.url === '/plain') {
        socket.end(
          'HTTP/1.1 426 Upgrade Required\r\nX-Why: no\r\nContent-Length: 15\r\nConnection: close\r\n\r\nupgrade refused',
        )
        return
      }
      if (req.url === '/stall') {
        socket.write('HTTP/1.1 426 Upgrade Required\r\nContent-Length: 15\r\n\r\nupgrade')
        return
      }
      if (req.url === '/cut') {
        socket.destroy()
        return
      }
      sockets.handleUpgrade(req, socket, head, (peer) => {
        lastClose = once(peer, 'close')
        peer.on('error', () => undefined)
        peer.on('message', (data, binary) => peer.send(data, { binary }))
        if (req.url === '/greet') peer.send('hello')
        if (req.url === '/bye') peer.close(4001, 'enough')
      })
    })
    const { port, auditOf } = await startUnderTest(t, upstream.origin, {
      listener,
      config: { timeouts: { response_headers: 1 } },
    })
    const base = `ws://127.0.0.1:${port}`

    t.test('echoes text and bytes, small and large', async (t) => {
      const socket = await open(`${base}/echo?a=1`)
      for (const message of ['hello', 'caf\u00e9', 'x'.repeat(300_000)]) {
        socket.send(message)
        const [data, binary] = (await once(socket, 'message')) as [Buffer, boolean]
        t.equal(data.toString(), message)
        t.notOk(binary)
      }
      const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, at) => at % 256))
      socket.send(bytes)
      const [data, binary] = (await once(socket, 'message')) as [Buffer, boolean]
      t.same(data, bytes)
      t.ok(binary)
      t.equal(upstream.seen.at(-1)?.url, '/echo?a=1')
      t.equal(upstream.seen.at(-1)?.headers['x-forwarded-for'], '127.0.0.1')
      socket.close(1000, 'done')
      t.equal((await lastClose)[0], 1000)
    })

    t.test('what the upstream says first is not lost', async (t) => {
      const socket = new WebSocket(`${base}/greet`)
      const [data] = (await once(socket, 'message')) as [Buffer]
      t.equal(data.toString(), 'hello')
      socket.terminate()
      await lastClose
    })

    t.test('the subprotocol is negotiated end to end', async (t) => {
      const socket = await open(`${base}/echo`, {}, ['one', 'two'])
      t.equal(socket.protocol, 'two')
      socket.close()
      await lastClose
    })

    t.test('a close of the upstream reaches the client with its code', async (t) => {
      const socket = new WebSocket(`${base}/bye`)
      const [code, reason] = (await once(socket, 'close')) as [number, Buffer]
      t.equal(code, 4001)
      t.equal(reason.toString(), 'enough')
    })

    t.test('a path goes on as it was sent', async (t) => {
      const socket = new WebSocket(`${base}/x`, {
        finishRequest: (req) => {
          req.path = '/a//b%2Ec'
          req.end()
        },
      })
      await once(socket, 'open')
      t.equal(upstream.seen.at(-1)?.url, '/a//b%2Ec')
      socket.terminate()
      await lastClose
    })

    t.test('an attack in the handshake is refused with a request id and recorded', async (t) => {
      const passed = upstream.seen.length
      const { status, headers } = await refusal(`${base}/echo?q=%3Cscript%3Ealert(1)%3C/script%3E`)
      t.equal(status, 403)
      t.equal(upstream.seen.length, passed)
      t.equal((await auditOf(1)).at(-1)?.request_id, headers['x-request-id'])
    })

    t.test('an upstream that does not upgrade is heard', async (t) => {
      const { status, headers, body } = await refusal(`${base}/plain`)
      t.equal(status, 426)
      t.equal(headers['x-why'], 'no')
      t.equal(body, 'upgrade refused')
    })

    t.test('an upstream that hangs up is 502', async (t) => {
      t.equal((await refusal(`${base}/cut`)).status, 502)
    })

    t.test('an upstream whose refusal does not end is 504', async (t) => {
      t.equal((await refusal(`${base}/stall`)).status, 504)
    })

    t.test('other upgrades are ignored', async (t) => {
      const req = request({
        host: '127.0.0.1',
        port,
        path: '/echo',
        agent: false,
        headers: { connection: 'Upgrade', upgrade: 'h2c' },
      }).end()
      const [res] = (await once(req, 'response')) as [IncomingMessage]
      res.resume()
      t.equal(res.statusCode, 200)
      t.notOk('upgrade' in (upstream.seen.at(-1)?.headers ?? {}))
    })
  })

t.test('a gateway that stops ends its WebSockets', async (t) => {
  const upstream = await startUpstream(t, echo)
  const sockets = new WebSocketServer({ server: upstream.server })
  t.teardown(() => sockets.close())
  for (const listener of LISTENERS) {
    const { port, close } = await startUnderTest(t, upstream.origin, { listener })
    const socket = await open(`ws://127.0.0.1:${port}/`)
    socket.on('error', () => undefined)
    const closed = once(socket, 'close')
    await close()
    await closed
    t.pass(listener)
  }
})
