import fc from 'fast-check'
import t from 'tap'
import type { Exchange } from '../../../../gateway/listener/listener.js'
import { aborted, bench, readBody, TIMEOUTS } from '../../../conformance/listener-under-test.js'
import { RawClient } from '../../../conformance/raw-client.js'
import { traits } from './traits.js'

await t.test('a client that closes its sending half gets its answers', async (t) => {
  const { port, exchange } = await bench(t, traits)
  const client = await RawClient.connect(port)
  client.socket.end(
    'GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx',
  )
  const first = await exchange()
  first.respond(200, [], 'one')
  const second = await exchange()
  t.equal((await readBody(second)).text, 'x')
  second.respond(200, [], 'two')
  t.match(await client.all(), /one[^]*two$/)
})

await t.test('a client that closes its sending half and gets no answer counts as gone', async (t) => {
  const { port, exchange } = await bench(t, traits)
  const client = await RawClient.connect(port)
  client.socket.end('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await aborted(await exchange())
  t.equal(await client.all(), '')
})

await t.test('a client that closes its sending half may read a long answer slowly', async (t) => {
  const { port, exchange } = await bench(t, traits)
  const client = await RawClient.connect(port)
  client.socket.end('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  client.socket.pause()
  const size = 16 * 1024 * 1024
  ;(await exchange()).respond(200, [], Buffer.alloc(size, 'a'))
  // Longer than a client that is gone would be waited for.
  await new Promise((resolve) => setTimeout(resolve, 2500))
  client.socket.resume()
  const { body } = await client.response()
  t.equal(body.length, size)
})

await t.test('a head that breaks off is refused and reported', async (t) => {
  const { port, malformed } = await bench(t, traits)
  const client = await RawClient.connect(port)
  client.socket.end('GET / HTTP/1.1\r\nHost: a')
  t.match(await client.all(), /^HTTP\/1\.1 400 /)
  t.match(malformed, [{ reason: 'incomplete_head', listener: 'strict', count: 1 }])
})

await t.test('a body that comes too slowly counts as standing still', async (t) => {
  const { port, exchange } = await bench(t, traits, {
    timeouts: { ...TIMEOUTS, bodyIdleMs: 200 },
    minBodyRate: 10_000,
  })
  const client = await RawClient.connect(port)
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n')
  const request = await exchange()
  const drip = setInterval(() => client.send('x'), 20)
  await t.rejects(readBody(request), { code: 'BODY_TIMEOUT' })
  clearInterval(drip)
  request.respond(408, [], 'slow')
  t.equal((await client.response()).status, 408)
})

await t.test('a client that pipelines and does not read is held back, then cut', async (t) => {
  let served = 0
  let cut: () => void
  const gone = new Promise<void>((resolve) => (cut = resolve))
  const { port } = await bench(t, traits, {
    timeouts: { ...TIMEOUTS, bodyIdleMs: 200 },
    onExchange: (request) => {
      served++
      request.onAborted(() => cut())
      request.respond(200, [], Buffer.alloc(64 * 1024))
    },
  })
  const client = await RawClient.connect(port)
  client.socket.pause()
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2000))
  await gone
  t.ok(served < 2000, `${served} of 2000 were served`)
  client.destroy()
})

await t.test('a body refused by its framing is not read, and its connection ends', async (t) => {
  const { port, exchange } = await bench(t, traits)
  const client = await RawClient.connect(port)
  client.send(
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n',
  )
  const request = await exchange()
  t.equal(request.refuse, 'content_length_with_transfer_encoding')
  await t.rejects(readBody(request), { code: 'MALFORMED_BODY' })
  request.respond(400, [], 'no')
  const all = await client.all()
  t.equal(all.match(/HTTP\/1\.1/g)?.length, 1)
  t.match(all, /Connection: close/)
})

await t.test('a short body that nobody reads is skipped, and the connection goes on', async (t) => {
  const { port, exchange } = await bench(t, traits)
  const client = await RawClient.connect(port)
  for (const body of [
    'Content-Length: 3\r\n\r\nabc',
    'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
  ]) {
    client.send(`POST / HTTP/1.1\r\nHost: a\r\n${body}`)
    const request = await exchange()
    request.respond(403, [], 'no')
    const { status, headers } = await client.response()
    t.equal(status, 403)
    t.equal(headers.get('connection'), undefined)
  }
  client.destroy()
})

await t.test('however bytes are split over packets, the same requests arrive', async (t) => {
  const seen: string[] = []
  const { port, failures } = await bench(t, traits, {
    onExchange: (request: Exchange) => {
      readBody(request).then(
        ({ text, trailers }) => {
          seen.push(JSON.stringify([request.method, request.target, request.headers, text, trailers]))
          request.respond(200, [], 'ok')
        },
        () => request.respond(400, []),
      )
    },
  })
  const requests = [
    'GET /1?a=b HTTP/1.1\r\nHost: a\r\nCookie: x=1;  y=2 \r\n\r\n',
    'POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello\r\n\r\nxy',
    'PUT /3 HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3;a="b"\r\nabc\r\n0A\r\n0123456789\r\n0\r\nX-T: 1\r\n\r\n',
    'FOO /4 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n',
  ]
  const last = 'GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
  const send = async (text: string, cuts: readonly number[]): Promise<string[]> => {
    seen.length = 0
    const client = await RawClient.connect(port)
    client.socket.setNoDelay(true)
    let from = 0
    for (const to of [...new Set(cuts.map((cut) => cut % text.length))].toSorted((a, b) => a - b)) {
      client.send(text.slice(from, to))
      from = to
      await new Promise((resolve) => setImmediate(resolve))
    }
    client.send(text.slice(from))
    await client.closed
    return [...seen]
  }
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...requests), { minLength: 1, maxLength: 4 }),
      fc.array(fc.nat({ max: 600 }), { maxLength: 12 }),
      async (some, cuts) => {
        const text = some.join('') + last
        const whole = await send(text, [])
        t.equal(whole.length, some.length + 1)
        t.same(await send(text, cuts), whole)
      },
    ),
    { numRuns: 60 },
  )
  t.same(failures, [])
})
