import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'
import { connect as connectTls } from 'node:tls'
import type { Test } from 'tap'
import type { ListenOptions } from '../../gateway/listener/listener.js'
import { aborted, bench, type Bench, type ListenerTraits, readBody, TIMEOUTS } from './listener-under-test.js'
import { RawClient } from './raw-client.js'
import { TEST_CERTIFICATE, TEST_KEY } from '../gateway/listener/test-certificate.js'

async function secureBench(
  t: Test,
  traits: ListenerTraits,
  options: Partial<ListenOptions>,
): Promise<Bench & { session: ClientHttp2Session }> {
  const server = await bench(t, traits, { tls: { key: TEST_KEY, cert: TEST_CERTIFICATE }, ...options })
  const session = connect(`https://127.0.0.1:${server.port}`, { ca: TEST_CERTIFICATE })
  session.on('error', () => undefined)
  t.teardown(() => session.destroy())
  return { ...server, session }
}

async function answer(stream: ClientHttp2Stream): Promise<{
  status: number
  headers: Record<string, unknown>
  body: string
}> {
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
  let body = ''
  stream.setEncoding('latin1')
  for await (const text of stream) body += String(text)
  return { status: Number(headers[':status']), headers, body }
}

const SIZE = 32 * 1024 * 1024
const CHUNK = Buffer.alloc(64 * 1024, 'abcdefghijk')

/** One frame of RFC 9113 section 4.1. */
function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** What a listener with TLS has to do: HTTP/1.1 as without it, and HTTP/2. */
export async function tlsConformance(t: Test, traits: ListenerTraits): Promise<void> {
  const secure = (t: Test, options: Partial<ListenOptions> = {}): ReturnType<typeof secureBench> =>
    secureBench(t, traits, options)

  await t.test('HTTP/1.1 over TLS is served on the same port', async (t) => {
    const { port, exchange } = await secure(t)
    const socket = connectTls({ port, host: '127.0.0.1', ca: TEST_CERTIFICATE, ALPNProtocols: ['http/1.1'] })
    await once(socket, 'secureConnect')
    t.equal(socket.alpnProtocol, 'http/1.1')
    const client = RawClient.over(socket)
    client.send('POST /a HTTP/1.1\r\nhOst: a\r\nX-A: \xe9\r\nContent-Length: 3\r\n\r\nabc')
    const request = await exchange()
    t.equal(request.tls, true)
    t.equal(request.httpVersion, '1.1')
    t.equal(request.peer.address, '127.0.0.1')
    t.same(request.headers.slice(0, 2), [
      ['hOst', 'a'],
      ['X-A', '\xe9'],
    ])
    t.equal((await readBody(request)).text, 'abc')
    request.respond(200, [], 'ok')
    t.equal((await client.response()).body, 'ok')
    client.send('G@T / HTTP/1.1\r\n\r\n')
    t.equal((await client.head()).status, 400)
    await client.closed
  })

  await t.test('time limits and malformed input of HTTP/1.1 hold over TLS', async (t) => {
    const { port, malformed } = await secure(t, { timeouts: { ...TIMEOUTS, headersMs: 200 } })
    const socket = connectTls({ port, host: '127.0.0.1', ca: TEST_CERTIFICATE })
    await once(socket, 'secureConnect')
    const client = RawClient.over(socket)
    client.send('GET / HTTP/1.1\r\nHost: a\r\nX')
    t.equal((await client.head()).status, 408)
    await client.closed
    t.match(malformed, [{ reason: 'headers_timeout' }])
  })

  await t.test('an HTTP/2 request reads like one of HTTP/1.1', async (t) => {
    const { session, exchange, port } = await secure(t)
    const stream = session.request({
      ':method': 'GET',
      ':path': '/a%2e?x=1&y',
      'x-b': ['1', '2'],
      cookie: ['a=1', 'b=2'],
      'x-text': 'caf\xe9 \x80\xff',
      x_y: '3',
    })
    const response = answer(stream)
    const request = await exchange()
    t.equal(request.method, 'GET')
    t.equal(request.target, '/a%2e?x=1&y')
    t.equal(request.httpVersion, '2.0')
    t.equal(request.tls, true)
    t.equal(request.refuse, undefined)
    t.equal(request.body.present, false)
    t.same(request.headers, [
      ['Host', `127.0.0.1:${port}`],
      ['x-b', '1'],
      ['x-b', '2'],
      ['cookie', 'a=1; b=2'],
      ['x-text', 'caf\xe9 \x80\xff'],
      ['x_y', '3'],
    ])
    request.respond(
      201,
      [
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
        ['X-Text', 'caf\xe9'],
        ['Connection', 'close'],
        ['Transfer-Encoding', 'chunked'],
        ['Upgrade', 'h2c'],
      ],
      '\xe9',
    )
    const { status, headers, body } = await response
    t.equal(status, 201)
    t.same(headers['set-cookie'], ['a=1', 'b=2'])
    t.equal(headers['x-text'], 'caf\xe9')
    t.equal(headers['content-length'], '1')
    t.equal(headers.connection, undefined)
    t.equal(body, '\xe9')
  })

  await t.test('bodies and trailers go both ways', async (t) => {
    const { session, exchange } = await secure(t)
    const stream = session.request({ ':method': 'POST', ':path': '/' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-t': '1' }))
    const trailers = once(stream, 'trailers')
    const response = answer(stream)
    stream.write('ab')
    const request = await exchange()
    t.equal(request.body.present, true)
    stream.end('c')
    t.same(await readBody(request), { text: 'abc', trailers: [['x-t', '1']] })
    const sink = request.startResponse(200, [])
    sink.write(Buffer.from('de'))
    sink.write(Buffer.from('f'))
    sink.end([['X-Sum', '2']])
    t.equal((await response).body, 'def')
    t.match((await trailers)[0], { 'x-sum': '2' })
  })

  await t.test('HEAD, 204 and 304 have no body', async (t) => {
    const { session, exchange } = await secure(t)
    const cases = [
      ['HEAD', 200, '5'],
      ['GET', 304, '5'],
      ['GET', 204, undefined],
    ] as const
    for (const [method, status, length] of cases) {
      for (const streamed of [false, true]) {
        const stream = session.request({ ':method': method, ':path': '/' })
        const response = answer(stream)
        const request = await exchange()
        if (streamed) {
          const sink = request.startResponse(status, [], { contentLength: 5 })
          sink.write(Buffer.from('hello'))
          sink.end()
        } else request.respond(status, [], 'hello')
        const { status: got, headers, body } = await response
        t.equal(got, status)
        t.equal(headers['content-length'], length)
        t.equal(body, '')
        t.equal(request.finished, true)
      }
    }
  })

  await t.test('100-continue and 103', async (t) => {
    const { session, exchange } = await secure(t)
    const stream = session.request({ ':method': 'POST', ':path': '/', expect: '100-continue' })
    const continued = once(stream, 'continue')
    const hints = new Promise<Record<string, unknown>>((resolve) => {
      stream.on('headers', (headers: Record<string, unknown>) => {
        if (headers[':status'] === 103) resolve(headers)
      })
    })
    const response = answer(stream)
    const request = await exchange()
    t.equal(request.body.expectsContinue, true)
    request.body.sendContinue()
    await continued
    t.equal(request.writeInformational(103, [['Link', '</a>; rel=preload']]), true)
    t.match(await hints, { link: '</a>; rel=preload' })
    stream.end('x')
    t.equal((await readBody(request)).text, 'x')
    request.respond(200, [], 'ok')
    t.equal((await response).body, 'ok')
  })

  await t.test('a slow reader holds the uploading client back, a slow client the writer', async (t) => {
    const { session, exchange } = await secure(t)
    const upload = session.request({ ':method': 'POST', ':path': '/' })
    const response = answer(upload)
    const request = await exchange()
    let held = 0
    let size = 0
    const read = new Promise<void>((resolve, reject) => {
      request.body.read({
        onData: (bytes) => {
          size += bytes.length
          held = Math.max(held, request.body.bufferedBytes)
          request.body.pause()
          setImmediate(() => {
            held = Math.max(held, request.body.bufferedBytes)
            request.body.resume()
          })
        },
        onEnd: () => resolve(),
        onError: reject,
      })
    })
    for (let sent = 0; sent < SIZE; sent += CHUNK.length) {
      if (!upload.write(CHUNK)) await once(upload, 'drain')
    }
    upload.end()
    await read
    request.respond(200, [])
    await response
    t.equal(size, SIZE)
    t.ok(held <= 1024 * 1024, `at most 1 MiB held, were ${held}`)

    const download = session.request({ ':method': 'GET', ':path': '/' })
    const other = await exchange()
    const sink = other.startResponse(200, [], { contentLength: SIZE })
    const hash = createHash('sha256')
    let got = 0
    const finished = new Promise<void>((resolve) => {
      download.on('data', (bytes: Buffer) => {
        got += bytes.length
        hash.update(bytes)
        download.pause()
        setImmediate(() => download.resume())
      })
      download.on('end', resolve)
    })
    let waiting = 0
    let buffered = 0
    for (let sent = 0; sent < SIZE; sent += CHUNK.length) {
      if (!sink.write(CHUNK)) {
        waiting++
        buffered = Math.max(buffered, sink.bufferedBytes)
        await new Promise<void>((resolve) => sink.onDrain(resolve))
      }
    }
    sink.end()
    await finished
    t.equal(got, SIZE)
    t.ok(waiting > 0)
    t.ok(buffered <= 1024 * 1024, `at most 1 MiB held, were ${buffered}`)
  })

  await t.test('a body that ends in a reset is not complete', async (t) => {
    const { port, exchange } = await secure(t)
    // Raw frames: node's own client ends a body before it resets the stream.
    const socket = connectTls({ port, host: '127.0.0.1', ca: TEST_CERTIFICATE, ALPNProtocols: ['h2'] })
    await once(socket, 'secureConnect')
    const post = Buffer.concat([Buffer.from([0x83, 0x87, 0x84, 0x41, 0x01]), Buffer.from('a')])
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    socket.write(frame(4, 0, 0, Buffer.alloc(0)))
    for (const [i, code] of [constants.NGHTTP2_CANCEL, constants.NGHTTP2_NO_ERROR].entries()) {
      const stream = 2 * i + 1
      socket.write(frame(1, 4, stream, post))
      socket.write(frame(0, 0, stream, Buffer.from('abc')))
      const request = await exchange()
      t.equal(request.method, 'POST')
      const gone = aborted(request)
      const body = readBody(request)
      const reset = Buffer.alloc(4)
      reset.writeUInt32BE(code)
      socket.write(frame(3, 0, stream, reset))
      await t.rejects(body, { code: 'CLIENT_ABORTED' })
      await gone
      request.respond(200, [])
    }
    socket.destroy()
  })

  await t.test('a client that resets its stream in the middle of the response is noticed', async (t) => {
    const { session, exchange } = await secure(t)
    const writing = session.request({ ':method': 'GET', ':path': '/' })
    writing.on('error', () => undefined)
    const request = await exchange()
    const sink = request.startResponse(200, [])
    sink.write(Buffer.from('first'))
    await once(writing, 'response')
    const gone = aborted(request)
    writing.close(constants.NGHTTP2_CANCEL)
    await gone
    sink.write(Buffer.from('second'))
    sink.end()
    t.equal(request.finished, true)
  })

  await t.test('a broken response resets the stream', async (t) => {
    const { session, exchange } = await secure(t)
    for (const breakIt of ['destroy', 'short'] as const) {
      const stream = session.request({ ':method': 'GET', ':path': '/' })
      stream.resume()
      const failed = once(stream, 'error')
      const request = await exchange()
      const sink = request.startResponse(200, [], { contentLength: 10 })
      sink.write(Buffer.from('abc'))
      if (breakIt === 'destroy') sink.destroy()
      else sink.end()
      await failed
      t.equal(stream.rstCode, constants.NGHTTP2_INTERNAL_ERROR)
    }
  })

  await t.test('an early answer ends the upload without an error', async (t) => {
    const { session, exchange } = await secure(t)
    const stream = session.request({ ':method': 'POST', ':path': '/' })
    stream.write('abc')
    const response = answer(stream)
    const request = await exchange()
    request.respond(413, [], 'too large')
    const { status, body } = await response
    t.equal(status, 413)
    t.equal(body, 'too large')
  })

  await t.test('what must be refused says so', async (t) => {
    const { session, exchange } = await secure(t)
    const differing = session.request({
      ':method': 'GET',
      ':path': '/',
      ':authority': 'a.test',
      host: 'b.test',
    })
    differing.on('error', () => undefined)
    let request = await exchange()
    t.equal(request.refuse, 'several_hosts')
    request.respond(400, [])
    const tunnel = session.request({ ':method': 'CONNECT', ':authority': 'a.test:443' })
    tunnel.on('error', () => undefined)
    request = await exchange()
    t.equal(request.refuse, 'connect_method')
    t.equal(request.target, 'a.test:443')
    request.respond(400, [])
    const expecting = session.request({ ':method': 'GET', ':path': '/', expect: 'x' })
    expecting.on('error', () => undefined)
    request = await exchange()
    t.equal(request.refuse, 'unsupported_expectation')
    request.respond(400, [])
  })

  await t.test('a header list over the limit reaches nobody', async (t) => {
    const targets: string[] = []
    const { session, malformed } = await secure(t, {
      maxHeaderBytes: 4096,
      onExchange: (request) => {
        targets.push(request.target)
        request.respond(200, [])
      },
    })
    const huge = { ':method': 'GET', ':path': '/huge', 'x-a': 'a'.repeat(20_000) }
    // The first one goes out before the server's settings are known.
    t.equal((await answer(session.request(huge))).status, 431)
    t.match(malformed, [{ reason: 'header_overflow', client: '127.0.0.1' }])
    const second = session.request(huge)
    await once(second, 'error')
    t.equal(second.rstCode, constants.NGHTTP2_ENHANCE_YOUR_CALM)
    t.equal((await answer(session.request({ ':method': 'GET', ':path': '/next' }))).status, 200)
    t.same(targets, ['/next'])
  })

  await t.test('a body that stands still fails for its reader; idle sessions close', async (t) => {
    const { session, exchange } = await secure(t, {
      timeouts: { headersMs: 5000, idleMs: 300, bodyIdleMs: 100 },
    })
    const stream = session.request({ ':method': 'POST', ':path': '/' })
    stream.write('abc')
    const response = answer(stream)
    const request = await exchange()
    await t.rejects(readBody(request), { code: 'BODY_TIMEOUT' })
    request.respond(408, [], 'slow')
    t.equal((await response).status, 408)
    await once(session, 'close')
    t.pass('closed')
  })

  await t.test('graceful close finishes what is in work and then ends the session', async (t) => {
    const { session, exchange, listener } = await secure(t)
    const stream = session.request({ ':method': 'GET', ':path': '/' })
    const response = answer(stream)
    const request = await exchange()
    const ended = once(session, 'close')
    const closed = listener.close(20_000)
    request.respond(200, [], 'in work')
    t.equal((await response).body, 'in work')
    await closed
    await ended

    const hard = await secure(t)
    const left = hard.session.request({ ':method': 'GET', ':path': '/' })
    left.on('error', () => undefined)
    const second = await hard.exchange()
    const gone = aborted(second)
    await hard.listener.close(50)
    await gone
    t.pass('cut after the grace')
  })
}
