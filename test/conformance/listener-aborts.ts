import type { Test } from 'tap'
import { aborted, bench, type ListenerTraits, readBody } from './listener-under-test.js'
import { RawClient } from './raw-client.js'

export async function abortTests(t: Test, traits: ListenerTraits): Promise<void> {
  await t.test('a client that goes away before the answer is noticed', async (t) => {
    const { port, exchange } = await bench(t, traits)
    const client = await RawClient.connect(port)
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const request = await exchange()
    t.equal(request.finished, false)
    const gone = aborted(request)
    client.destroy()
    await gone
    t.equal(request.finished, true)
    request.respond(200, [], 'nobody hears this')
    await aborted(request)
    t.pass('a callback that comes late is called too')
  })

  await t.test('a client that goes away in the middle of its body is noticed by the reader', async (t) => {
    const { port, exchange, malformed } = await bench(t, traits)
    for (const framing of ['Content-Length: 10', 'Transfer-Encoding: chunked']) {
      const client = await RawClient.connect(port)
      client.send(`POST / HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n3\r\n`)
      const request = await exchange()
      const gone = aborted(request)
      const body = readBody(request)
      client.destroy()
      await t.rejects(body, { code: 'CLIENT_ABORTED' })
      await gone
      request.startResponse(400, []).end()
    }
    t.same(malformed, [])
  })

  await t.test('a client that goes away in the middle of the response is noticed', async (t) => {
    const { port, exchange } = await bench(t, traits)
    const client = await RawClient.connect(port)
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const request = await exchange()
    const sink = request.startResponse(200, [])
    sink.write(Buffer.from('first'))
    await client.until((received) => received.includes('first'))
    const gone = aborted(request)
    client.destroy()
    await gone
    t.equal(sink.write(Buffer.from('second')), true)
    sink.end()
    sink.destroy()
    request.destroy()
    t.equal(request.finished, true)
    t.equal(sink.bufferedBytes, 0)
  })

  await t.test('a complete exchange does not count as aborted', async (t) => {
    const { port, exchange } = await bench(t, traits)
    const client = await RawClient.connect(port)
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const request = await exchange()
    let gone = false
    request.onAborted(() => {
      gone = true
    })
    request.respond(200, [], 'ok')
    await client.response()
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const next = await exchange()
    const nextGone = aborted(next)
    client.destroy()
    await nextGone
    t.equal(gone, false)
    t.equal(request.finished, true)
  })

  await t.test('destroy cuts the connection without a response', async (t) => {
    const { port, exchange } = await bench(t, traits)
    const client = await RawClient.connect(port)
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const request = await exchange()
    const gone = aborted(request)
    request.destroy()
    t.equal(await client.all(), '')
    await gone
  })
}
