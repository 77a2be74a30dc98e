import { once } from 'node:events'
import { connect } from 'node:net'
import type { Test } from 'tap'
import { aborted, bench, type ListenerTraits } from './listener-under-test.js'
import { RawClient } from './raw-client.js'

export async function closeTests(t: Test, traits: ListenerTraits): Promise<void> {
  await t.test('exchanges in work finish, idle connections close, new ones are refused', async (t) => {
    const { port, exchange, listener } = await bench(t, traits)
    const idle = await RawClient.connect(port)
    idle.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const before = await exchange()
    before.respond(200, [], 'before')
    await idle.take('before')
    const client = await RawClient.connect(port)
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const request = await exchange()
    const streaming = await RawClient.connect(port)
    streaming.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const sink = (await exchange()).startResponse(200, [])
    sink.write(Buffer.from('first'))
    await streaming.take('first')

    const closed = listener.close(20_000)
    t.equal(listener.close(1), closed)
    const late = connect(port, '127.0.0.1')
    const [error] = (await once(late, 'error')) as [NodeJS.ErrnoException]
    t.equal(error.code, 'ECONNREFUSED')

    request.respond(200, [], 'in work')
    const { headers, body } = await client.response()
    t.equal(body, 'in work')
    t.equal(headers.get('connection'), 'close')
    sink.write(Buffer.from('second'))
    sink.end()
    await streaming.take('second')
    await streaming.take('0\r\n\r\n')
    await closed
    await Promise.all([idle.closed, client.closed, streaming.closed])
    t.pass('closed')
  })

  await t.test('a big answer in work leaves whole', async (t) => {
    const { port, exchange, listener } = await bench(t, traits)
    const client = await RawClient.connect(port)
    client.socket.pause()
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const request = await exchange()
    const closed = listener.close(20_000)
    const size = 16 * 1024 * 1024
    request.respond(200, [], Buffer.alloc(size, 'a'))
    setImmediate(() => client.socket.resume())
    const { headers, body } = await client.response()
    t.equal(headers.get('connection'), 'close')
    t.equal(body.length, size)
    await closed
  })

  await t.test('what is left after the grace is cut', async (t) => {
    const { port, exchange, listener } = await bench(t, traits)
    const client = await RawClient.connect(port)
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const request = await exchange()
    const gone = aborted(request)
    await listener.close(50)
    await gone
    t.equal(await client.all(), '')
  })

  await t.test('a port in use is an error', async (t) => {
    const { port } = await bench(t, traits)
    await t.rejects(
      traits.listen({
        host: '127.0.0.1',
        port,
        timeouts: { headersMs: 1000, idleMs: 1000, bodyIdleMs: 1000 },
        maxHeaderBytes: 16_384,
        onExchange: () => undefined,
        onUpgrade: () => undefined,
        onMalformed: () => undefined,
        onFailure: () => undefined,
      }),
      { code: 'LISTEN_FAILED' },
    )
  })

  await t.test('options out of range are refused by name', async (t) => {
    await t.rejects(bench(t, traits, { port: 70_000 }), { code: 'INVALID_OPTION', message: /port is 70000/ })
    await t.rejects(bench(t, traits, { maxHeaderBytes: 10 }), { code: 'INVALID_OPTION' })
    await t.rejects(bench(t, traits, { timeouts: { headersMs: 0, idleMs: 1, bodyIdleMs: 1 } }), {
      code: 'INVALID_OPTION',
    })
  })
}
