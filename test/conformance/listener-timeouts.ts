import type { Test } from 'tap'
import { bench, type ListenerTraits, readBody, TIMEOUTS } from './listener-under-test.js'
import { RawClient } from './raw-client.js'

/** Waits here end with an event; the short time only makes it come soon. */
const SOON = 100

export async function timeoutTests(t: Test, traits: ListenerTraits): Promise<void> {
  if (!traits.configurableTimeouts) {
    await t.test(
      'slow heads, slow bodies and idle connections are closed after a time that cannot be changed',
      async (t) => {
        const { port, exchange } = await bench(t, traits)
        const slow = await RawClient.connect(port)
        slow.send('GET / HTTP/1.1\r\nHost: a')
        const body = await RawClient.connect(port)
        body.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\na')
        const read = readBody(await exchange())
        const idle = await RawClient.connect(port)
        idle.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
        const request = await exchange()
        request.respond(200, [], 'ok')
        await Promise.all([
          slow.closed,
          body.closed,
          idle.closed,
          t.rejects(read, { code: 'CLIENT_ABORTED' }),
        ])
        t.pass('closed')
      },
    )
    return
  }

  await t.test('a head that does not come is answered with 408 and reported', async (t) => {
    const { port, malformed, ...rest } = await bench(t, traits, {
      timeouts: { ...TIMEOUTS, headersMs: SOON },
    })
    const client = await RawClient.connect(port)
    client.send('GET / HTTP/1.1\r\nHost: a\r\nX-A')
    t.equal((await client.head()).status, 408)
    await client.closed
    t.match(malformed, [{ reason: 'headers_timeout' }])
    t.equal(rest.waiting, 0)
  })

  await t.test('a connection that never says anything is closed without a report', async (t) => {
    const { port, malformed } = await bench(t, traits, { timeouts: { ...TIMEOUTS, headersMs: SOON } })
    const client = await RawClient.connect(port)
    t.equal(await client.all(), '')
    t.same(malformed, [])
  })

  await t.test('a kept-alive connection is closed when it stays idle', async (t) => {
    const { port, exchange, malformed } = await bench(t, traits, { timeouts: { ...TIMEOUTS, idleMs: SOON } })
    const client = await RawClient.connect(port)
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const request = await exchange()
    request.respond(200, [], 'ok')
    t.equal((await client.response()).body, 'ok')
    await client.closed
    t.same(malformed, [])
  })

  await t.test('a body that stands still fails for its reader, who can answer', async (t) => {
    const { port, exchange } = await bench(t, traits, { timeouts: { ...TIMEOUTS, bodyIdleMs: SOON } })
    const client = await RawClient.connect(port)
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\na')
    const request = await exchange()
    await t.rejects(readBody(request), { code: 'BODY_TIMEOUT' })
    request.respond(408, [], 'slow')
    const { status, headers } = await client.response()
    t.equal(status, 408)
    t.equal(headers.get('connection'), 'close')
    await client.closed
  })

  await t.test('waiting for the gateway, or a reader that pauses, is not standing still', async (t) => {
    const { port, exchange } = await bench(t, traits, { timeouts: { ...TIMEOUTS, bodyIdleMs: SOON } })
    const waited = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 4 * SOON))
    const client = await RawClient.connect(port)
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na')
    const request = await exchange()
    let text = ''
    let failed = false
    const done = new Promise<void>((resolve) => {
      request.body.read({
        onData: (bytes) => {
          text += Buffer.from(bytes).toString('latin1')
          request.body.pause()
          void waited().then(() => {
            client.send('b')
            request.body.resume()
          })
        },
        onEnd: () => resolve(),
        onError: () => {
          failed = true
          resolve()
        },
      })
    })
    await done
    t.equal(failed, false)
    t.equal(text, 'ab')
    await waited()
    request.respond(200, [], 'ok')
    t.equal((await client.response()).body, 'ok')
    client.destroy()
  })

  await t.test('a client that does not read its response is cut', async (t) => {
    const { port, exchange } = await bench(t, traits, { timeouts: { ...TIMEOUTS, bodyIdleMs: SOON } })
    const client = await RawClient.connect(port)
    client.socket.pause()
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const request = await exchange()
    const gone = new Promise<void>((resolve) => request.onAborted(resolve))
    const sink = request.startResponse(200, [])
    const chunk = Buffer.alloc(1024 * 1024)
    const fill = (): void => {
      while (!request.finished && sink.write(chunk));
    }
    sink.onDrain(fill)
    fill()
    await gone
    t.pass('cut')
    client.destroy()
  })
}
