import type { Test } from 'tap'
import { bench, type ListenerTraits } from './listener-under-test.js'
import { RawClient } from './raw-client.js'

export async function responseTests(t: Test, traits: ListenerTraits): Promise<void> {
  await t.test(
    'order, case, number and bytes of header fields are those given; framing fields are ours',
    async (t) => {
      const { port, exchange } = await bench(t, traits)
      const client = await RawClient.connect(port)
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      const request = await exchange()
      request.respond(
        201,
        [
          ['Set-Cookie', 'a=1'],
          ['X-Text', 'caf\xe9 \x80'],
          ['set-cookie', 'b=2'],
          ['Content-Length', '999'],
          ['Transfer-Encoding', 'chunked'],
          ['Connection', 'X-Text'],
          ['Keep-Alive', 'timeout=999'],
        ],
        '\xe9',
      )
      const { text, headers, status } = await client.head()
      t.equal(status, 201)
      t.match(text, /^HTTP\/1\.1 201 Created\r\n/)
      t.match(text, /Set-Cookie: a=1\r\nX-Text: caf\xe9 \x80\r\nset-cookie: b=2\r\n/)
      t.equal(headers.get('content-length'), '1')
      t.equal(text.match(/content-length/gi)?.length, 1)
      t.notMatch(text, /transfer-encoding|999|Connection: X-Text/i)
      t.equal(text.match(/^date:/gim)?.length, 1)
      t.notMatch(text, /uWebSockets/i)
      t.equal(await client.bytes(1), '\xe9')
      client.destroy()
    },
  )

  await t.test('a head that could break the framing is not sent', async (t) => {
    const { port, exchange } = await bench(t, traits)
    const client = await RawClient.connect(port)
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const request = await exchange()
    const wrong = { code: 'INVALID_RESPONSE' }
    t.throws(() => request.respond(200, [['X-A', 'a\r\nX-B: 1']]), wrong)
    t.throws(() => request.respond(200, [['X A', 'a']]), wrong)
    t.throws(() => request.respond(200, [['X-A', 'a\0']]), wrong)
    t.throws(() => request.respond(200, [['X-A', '\u0100']]), wrong)
    t.throws(() => request.respond(200, [], '\u20ac'), wrong)
    t.throws(() => request.respond(100, []), wrong)
    t.throws(() => request.startResponse(200, [['X-A', '\n']]), wrong)
    request.respond(200, [], 'ok')
    t.throws(() => request.respond(200, []), { code: 'RESPONSE_STARTED' })
    t.equal((await client.response()).body, 'ok')
    client.destroy()
  })

  await t.test('HEAD, 204 and 304 have no body and leave the connection usable', async (t) => {
    const { port, exchange } = await bench(t, traits)
    const client = await RawClient.connect(port)
    const ask = async (method: string): ReturnType<typeof exchange> => {
      client.send(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`)
      return exchange()
    }

    ;(await ask('HEAD')).respond(200, [['Content-Length', '5']])
    let head = await client.head()
    t.equal(head.headers.get('content-length'), '5')
    ;(await ask('HEAD')).respond(200, [], 'hello')
    head = await client.head()
    t.equal(head.headers.get('content-length'), '5')

    const streamed = (await ask('HEAD')).startResponse(200, [], { contentLength: 7 })
    t.equal(streamed.write(Buffer.from('ignored')), true)
    streamed.end()
    head = await client.head()
    t.equal(head.headers.get('content-length'), '7')

    const unknown = (await ask('HEAD')).startResponse(200, [])
    unknown.write(Buffer.from('ignored'))
    unknown.end()
    head = await client.head()
    t.equal(head.status, 200)
    t.equal(head.headers.has('content-length'), false)
    ;(await ask('GET')).respond(204, [], 'ignored')
    head = await client.head()
    t.equal(head.status, 204)
    t.equal(head.headers.has('content-length'), false)
    t.equal(head.headers.has('transfer-encoding'), false)
    ;(await ask('GET')).respond(304, [
      ['ETag', '"1"'],
      ['Content-Length', '5'],
    ])
    head = await client.head()
    t.equal(head.status, 304)
    t.equal(head.headers.get('content-length'), '5')

    const notModified = (await ask('GET')).startResponse(304, [])
    notModified.write(Buffer.from('ignored'))
    notModified.end()
    t.equal((await client.head()).status, 304)
    ;(await ask('GET')).respond(200, [], 'end')
    t.equal((await client.response()).body, 'end')
    t.equal(client.received, '')
    client.destroy()
  })

  await t.test('an unknown length is chunked, a known one is not', async (t) => {
    const { port, exchange } = await bench(t, traits)
    const client = await RawClient.connect(port)
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    let sink = (await exchange()).startResponse(200, [['X-A', '1']])
    sink.write(Buffer.from('ab'))
    sink.write(Buffer.from(''))
    sink.write(Buffer.from('cde'))
    sink.end()
    t.equal((await client.head()).headers.get('transfer-encoding'), 'chunked')
    t.equal((await client.take('0\r\n\r\n')).replace(/^\r\n/, ''), '2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n')

    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    sink = (await exchange()).startResponse(200, [], { contentLength: 5 })
    sink.write(Buffer.from('ab'))
    sink.write(Buffer.from('cde'))
    sink.end()
    const { headers, body } = await client.response()
    t.equal(headers.has('transfer-encoding'), false)
    t.equal(body, 'abcde')

    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    sink = (await exchange()).startResponse(200, [], { contentLength: 0 })
    sink.end()
    t.equal((await client.head()).headers.get('content-length'), '0')

    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    ;(await exchange()).startResponse(200, []).end()
    const empty = await client.head()
    if (empty.headers.get('transfer-encoding') === 'chunked') await client.take('0\r\n\r\n')
    else t.equal(empty.headers.get('content-length'), '0')

    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    ;(await exchange()).respond(200, [], 'next')
    t.equal((await client.response()).body, 'next')
    client.destroy()
  })

  await t.test(
    'a body of the wrong length breaks the connection, it is never padded or cut in silence',
    async (t) => {
      const { port, exchange } = await bench(t, traits)
      for (const text of ['abc', 'abcdefg']) {
        const client = await RawClient.connect(port)
        client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
        const sink = (await exchange()).startResponse(200, [], { contentLength: 5 })
        sink.write(Buffer.from(text))
        sink.end()
        const received = await client.all()
        t.notMatch(received, /abcde/)
      }
      const client = await RawClient.connect(port)
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      const sink = (await exchange()).startResponse(200, [])
      sink.write(Buffer.from('abc'))
      await client.until((received) => received.includes('abc'))
      sink.destroy()
      t.notMatch(await client.all(), /\r\n0\r\n/)
    },
  )

  await t.test('events of a stream leave one by one', async (t) => {
    const { port, exchange } = await bench(t, traits)
    const client = await RawClient.connect(port)
    client.send('GET / HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n')
    const request = await exchange()
    const sink = request.startResponse(200, [['Content-Type', 'text/event-stream']])
    if (traits.headAtOnce) await client.head()
    for (let i = 0; i < 5; i++) {
      sink.write(Buffer.from(`data: ${i}\n\n`))
      await client.take(`data: ${i}\n\n`)
    }
    sink.end()
    await client.take('0\r\n\r\n')
    client.destroy()
  })

  await t.test(traits.informational ? '103 goes before the response' : '103 is declined', async (t) => {
    const { port, exchange } = await bench(t, traits)
    const client = await RawClient.connect(port)
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const request = await exchange()
    const link = [['Link', '</a.css>; rel=preload']] as const
    t.equal(request.writeInformational(103, link), traits.informational)
    t.throws(() => request.writeInformational(103, [['Link', 'a\r\nb']]), { code: 'INVALID_RESPONSE' })
    request.respond(200, [], 'ok')
    t.equal(request.writeInformational(103, link), false)
    if (traits.informational) {
      t.match(await client.head(), {
        status: 103,
        text: 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n',
      })
    }
    t.equal((await client.response()).body, 'ok')
    client.destroy()
  })

  await t.test(
    traits.trailers ? 'trailers follow a chunked response' : 'trailers are left out',
    async (t) => {
      const { port, exchange } = await bench(t, traits)
      const client = await RawClient.connect(port)
      client.send('GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n')
      const sink = (await exchange()).startResponse(200, [['Trailer', 'X-Sum']])
      sink.write(Buffer.from('abc'))
      sink.end([['X-Sum', '1']])
      await client.head()
      t.match(
        await client.take('\r\n\r\n'),
        traits.trailers ? /\r\n0\r\nX-Sum: 1\r\n\r\n$/ : /\r\n0\r\n\r\n$/,
      )
      client.destroy()
    },
  )
}
