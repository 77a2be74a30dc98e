import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { WebSocket, WebSocketServer } from 'ws'
import type { UpgradeExchange, WebSocketPeer } from '../../gateway/listener/listener.js'
import { aborted, bench, type ListenerTraits } from './listener-under-test.js'
import { RawClient } from './raw-client.js'

const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n'
const HANDSHAKE = `GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${KEY}\r\n`

export async function upgradeTests(t: Test, traits: ListenerTraits): Promise<void> {
  await t.test('a WebSocket echoes text and binary, and closes with its code', async (t) => {
    const { port, upgrade } = await bench(t, traits)
    const echo = traits.upgradeKind === 'raw' ? await echoServer(t) : 0
    const client = new WebSocket(`ws://127.0.0.1:${port}/ws?a=1`, ['chat', 'other'], {
      headers: { 'X-A': '1' },
    })
    const opened = once(client, 'open')
    const request = await upgrade()
    t.equal(request.kind, traits.upgradeKind)
    t.equal(request.target, '/ws?a=1')
    t.equal(request.method, 'GET')
    t.ok(request.headers.some(([name, value]) => name.toLowerCase() === 'x-a' && value === '1'))
    if (request.kind === 'raw') tunnel(request, echo)
    else acceptEcho(request)
    await opened
    t.equal(client.protocol, 'chat')
    for (const message of ['hello \u20ac', '', Buffer.from([0, 1, 255]), Buffer.alloc(300_000, 7)]) {
      const binary = typeof message !== 'string'
      client.send(message)
      const [data, isBinary] = (await once(client, 'message')) as [Buffer, boolean]
      t.equal(isBinary, binary)
      t.ok(data.equals(Buffer.from(message)), `${message.length} came back`)
    }
    client.close(4001, 'bye')
    const [code] = (await once(client, 'close')) as [number]
    t.equal(code, 4001)
  })

  await t.test('an upgrade can be answered like any request', async (t) => {
    const { port, upgrade } = await bench(t, traits)
    const client = await RawClient.connect(port)
    client.send(HANDSHAKE)
    const request = await upgrade()
    t.throws(() => request.respond(403, [['X-A', 'a\nb']]), { code: 'INVALID_RESPONSE' })
    request.respond(403, [['X-Why', 'caf\xe9']], 'blocked')
    const { status, headers, body } = await client.response()
    t.equal(status, 403)
    t.equal(headers.get('x-why'), 'caf\xe9')
    t.equal(body, 'blocked')
    await client.closed
  })

  await t.test('a client that keeps its half open after a refusal is let go of', async (t) => {
    const { listener, port, upgrade, exchange } = await bench(t, traits)
    const open = (bytes: string): Promise<unknown> => {
      const client = RawClient.over(connect({ port, host: '127.0.0.1', allowHalfOpen: true }))
      t.teardown(() => client.destroy())
      client.send(bytes)
      return once(client.socket, 'end')
    }
    const refused = [open(HANDSHAKE)]
    ;(await upgrade()).respond(403, [])
    if (traits.upgradeKind === 'raw') {
      refused.push(open('CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n'))
      ;(await exchange()).respond(400, [])
    }
    await Promise.all(refused)
    await listener.close(60_000)
  })

  await t.test('a client that goes away before the upgrade is noticed', async (t) => {
    const { port, upgrade } = await bench(t, traits)
    const client = await RawClient.connect(port)
    client.send(HANDSHAKE)
    const request = await upgrade()
    const gone = aborted(request)
    client.destroy()
    await gone
    request.respond(200, [])
    request.destroy()
    t.pass('noticed')
  })

  await t.test('other upgrades, and handshakes with a body, are ordinary requests', async (t) => {
    const { port, exchange } = await bench(t, traits)
    for (const head of [
      'GET /1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n',
      'POST /1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n',
      `POST /1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${KEY}Content-Length: 3\r\n`,
      `GET /1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${KEY}Content-Length: 3\r\n`,
    ]) {
      const client = await RawClient.connect(port)
      client.send(`${head}\r\n${head.includes('Content-Length') ? 'abc' : ''}`)
      const request = await exchange()
      let text = ''
      await new Promise<void>((resolve, reject) => {
        request.body.read({
          onData: (bytes) => (text += Buffer.from(bytes).toString('latin1')),
          onEnd: () => resolve(),
          onError: reject,
        })
      })
      t.equal(text, head.includes('Content-Length') ? 'abc' : '')
      request.respond(200, [], 'plain')
      t.equal((await client.response()).body, 'plain')
      client.destroy()
    }
  })

  if (traits.upgradeKind === 'raw') {
    await t.test('bytes behind the handshake are handed over', async (t) => {
      const { port, upgrade } = await bench(t, traits)
      const client = await RawClient.connect(port)
      client.send(`${HANDSHAKE}early bytes`)
      const request = await upgrade()
      if (request.kind !== 'raw') throw new Error('not raw')
      const { socket, head } = request.accept()
      t.equal(Buffer.from(head).toString(), 'early bytes')
      socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\nlate bytes')
      t.match(await client.all(), /late bytes$/)
    })
    return
  }

  await t.test('a slow WebSocket client holds the sender back', async (t) => {
    const { port, upgrade } = await bench(t, traits)
    const client = await RawClient.connect(port)
    client.socket.pause()
    client.send(HANDSHAKE)
    const request = await upgrade()
    if (request.kind !== 'websocket') throw new Error('not a WebSocket')
    const peer = await new Promise<WebSocketPeer>((resolve) => {
      request.accept({}, { onOpen: resolve, onMessage: () => undefined, onClose: () => undefined })
    })
    const message = Buffer.alloc(256 * 1024)
    let sent = 0
    while (peer.send(message, true)) sent++
    t.ok(peer.bufferedBytes > 0)
    t.ok(peer.bufferedBytes <= message.length + 16)
    const drained = new Promise<void>((resolve) => peer.onDrain(resolve))
    client.socket.resume()
    await drained
    t.equal(peer.bufferedBytes, 0)
    t.ok(sent > 0)
    peer.destroy()
    await client.closed
    t.equal(peer.send(message, true), true)
    t.equal(peer.bufferedBytes, 0)
  })

  await t.test('a message over the limit closes the WebSocket', async (t) => {
    const { port, upgrade } = await bench(t, traits, { maxMessageBytes: 1000 })
    const client = new WebSocket(`ws://127.0.0.1:${port}/ws`)
    const opened = once(client, 'open')
    const request = await upgrade()
    if (request.kind !== 'websocket') throw new Error('not a WebSocket')
    const closed = new Promise<number>((resolve) => {
      request.accept({}, { onOpen: () => undefined, onMessage: () => t.fail('taken'), onClose: resolve })
    })
    await opened
    client.on('error', () => undefined)
    client.send(Buffer.alloc(1001))
    t.ok((await closed) >= 1000)
  })
}

function acceptEcho(request: Extract<UpgradeExchange, { kind: 'websocket' }>): void {
  let peer: WebSocketPeer | undefined
  request.accept(
    { protocol: request.protocols[0] ?? '', headers: [['X-Echo', '1']] },
    {
      onOpen: (opened) => {
        peer = opened
      },
      onMessage: (message, binary) => void peer?.send(message, binary),
      onClose: () => undefined,
    },
  )
}

/** What a proxy does: replays the request to the upstream and joins the two connections. */
function tunnel(request: Extract<UpgradeExchange, { kind: 'raw' }>, port: number): void {
  const { socket, head } = request.accept()
  const upstream = connect(port, '127.0.0.1')
  const lines = request.headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  upstream.write(`${request.method} ${request.target} HTTP/1.1\r\n${lines}\r\n`)
  upstream.write(head)
  upstream.pipe(socket)
  socket.pipe(upstream)
}

async function echoServer(t: Test): Promise<number> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  server.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
  })
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
  })
  return (server.address() as AddressInfo).port
}
