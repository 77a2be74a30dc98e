import type { Test } from 'tap'
import { bench, type ListenerTraits, readBody } from './listener-under-test.js'
import { RawClient } from './raw-client.js'

export async function requestTests(t: Test, traits: ListenerTraits): Promise<void> {
  await t.test('order, number, case and bytes of header fields are those of the client', async (t) => {
    const { port, exchange } = await bench(t, traits)
    const client = await RawClient.connect(port)
    client.send(
      'GET /a%2e/b;c?x=1&y=%00&z HTTP/1.1\r\nhOsT: example.test\r\nX-B: 2\r\nX-a:1\r\nX-B:   3 \t\r\nX-Empty:\r\nX-Text: a\xc3\xa9b\r\n\r\n',
    )
    const request = await exchange()
    const name = (text: string): string => (traits.exactNames ? text : text.toLowerCase())
    t.equal(request.method, 'GET')
    t.equal(request.target, '/a%2e/b;c?x=1&y=%00&z')
    t.equal(request.httpVersion, '1.1')
    t.equal(request.tls, false)
    t.same(request.headers, [
      [name('hOsT'), 'example.test'],
      [name('X-B'), '2'],
      [name('X-a'), '1'],
      [name('X-B'), '3'],
      [name('X-Empty'), ''],
      [name('X-Text'), 'a\xc3\xa9b'],
    ])
    t.equal(request.peer.address, '127.0.0.1')
    t.equal(request.local.port, port)
    t.equal(request.refuse, undefined)
    t.equal(request.body.present, false)
    request.respond(200, [], 'done')
    t.equal((await client.response()).body, 'done')
    client.destroy()
  })

  await t.test('an empty query is not the same as none', async (t) => {
    const { port, exchange } = await bench(t, traits)
    const client = await RawClient.connect(port)
    for (const target of ['/a', '/a?', '/a??', '/a?b?c']) {
      client.send(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`)
      const request = await exchange()
      t.equal(request.target, target)
      request.respond(204, [])
      await client.head()
    }
    client.destroy()
  })

  await t.test('bodies arrive whole, with Content-Length, chunked, and on GET', async (t) => {
    const { port, exchange } = await bench(t, traits)
    const every = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join('')
    const client = await RawClient.connect(port)
    client.send(`POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 256\r\n\r\n${every}`)
    let request = await exchange()
    t.equal(request.body.present, true)
    t.equal(request.body.contentLength, 256)
    t.equal((await readBody(request)).text, every)
    request.respond(200, [], '1')
    await client.response()

    client.send('PUT /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
    request = await exchange()
    t.equal(request.body.present, true)
    t.equal(request.body.contentLength, undefined)
    const body = readBody(request)
    client.send('6\r\n world\r\n0\r\n\r\n')
    t.equal((await body).text, 'hello world')
    request.respond(200, [], '2')
    await client.response()

    client.send('GET /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi')
    request = await exchange()
    t.equal((await readBody(request)).text, 'hi')
    request.respond(200, [], '3')
    await client.response()

    client.send('POST /4 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n')
    request = await exchange()
    t.equal((await readBody(request)).text, '')
    request.respond(200, [], '4')
    t.equal((await client.response()).body, '4')
    client.destroy()
  })

  await t.test('a body that nobody reads does not disturb the next request', async (t) => {
    const { port, exchange } = await bench(t, traits)
    const client = await RawClient.connect(port)
    client.send('POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc')
    const request = await exchange()
    request.respond(403, [], 'no')
    const response = await client.response()
    t.equal(response.status, 403)
    if (response.headers.get('connection') !== 'close') {
      client.send('GET /2 HTTP/1.1\r\nHost: a\r\n\r\n')
      const next = await exchange()
      t.equal(next.target, '/2')
      next.respond(200, [])
      await client.response()
    } else await client.closed
    client.destroy()
  })

  await t.test('an answer in the middle of an upload reaches the client', async (t) => {
    const { port, exchange } = await bench(t, traits)
    const client = await RawClient.connect(port)
    const part = 'a'.repeat(512 * 1024)
    client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${4 * part.length}\r\n\r\n${part}`)
    const request = await exchange()
    client.send(part)
    request.respond(413, [], 'too large')
    client.send(part)
    const { status, body } = await client.response()
    t.equal(status, 413)
    t.equal(body, 'too large')
    client.destroy()
  })

  await t.test('one body has one reader', async (t) => {
    const { port, exchange } = await bench(t, traits)
    const client = await RawClient.connect(port)
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na')
    const request = await exchange()
    await readBody(request)
    await t.rejects(readBody(request), { code: 'BODY_TAKEN' })
    request.respond(200, [])
    client.destroy()
  })

  await t.test(
    traits.pipelines
      ? 'pipelined requests are handed on one at a time and answered in order'
      : 'a request pipelined behind one in work ends the connection',
    async (t) => {
      const { port, exchange, ...rest } = await bench(t, traits)
      const client = await RawClient.connect(port)
      const one = 'GET /1 HTTP/1.1\r\nHost: a\r\n\r\n'
      const two = 'POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc'
      const three = 'GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
      client.send(one + two + three)
      const first = await exchange()
      t.equal(first.target, '/1')
      if (!traits.pipelines) {
        await client.closed
        first.respond(200, [])
        t.equal(client.received, '')
        return
      }
      await new Promise((resolve) => setImmediate(resolve))
      t.equal(rest.waiting, 0)
      first.respond(200, [], 'one')
      const second = await exchange()
      t.equal((await readBody(second)).text, 'abc')
      const sink = second.startResponse(200, [])
      sink.write(Buffer.from('two'))
      sink.end()
      const third = await exchange()
      third.respond(200, [], 'three')
      t.match(await client.all(), /one[^]*\r\n3\r\ntwo\r\n0\r\n\r\n[^]*three$/)
    },
  )

  if (traits.pipelines) {
    await t.test('many pipelined requests are all answered', async (t) => {
      let count = 0
      const { port } = await bench(t, traits, {
        onExchange: (request) => {
          count++
          setImmediate(() => request.respond(200, [], request.target))
        },
      })
      const client = await RawClient.connect(port)
      const targets = Array.from({ length: 500 }, (_, i) => `/${i}`)
      client.send(targets.map((target) => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''))
      for (const target of targets) {
        const { body } = await client.response()
        if (body !== target) t.equal(body, target)
      }
      t.equal(count, 500)
      client.destroy()
    })
  }

  if (traits.http10) {
    await t.test(
      'HTTP/1.0 gets its body until the connection closes, and keeps alive when it asks',
      async (t) => {
        const { port, exchange } = await bench(t, traits)
        const client = await RawClient.connect(port)
        client.send('GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
        let request = await exchange()
        t.equal(request.httpVersion, '1.0')
        t.equal(request.refuse, undefined)
        request.respond(200, [], 'one')
        const response = await client.response()
        t.equal(response.body, 'one')
        t.match(response.headers.get('connection'), /keep-alive/i)
        client.send('GET /2 HTTP/1.0\r\n\r\n')
        request = await exchange()
        const sink = request.startResponse(200, [])
        sink.write(Buffer.from('two '))
        sink.write(Buffer.from('three'))
        sink.end()
        const rest = await client.all()
        t.match(rest, /\r\n\r\ntwo three$/)
        t.notMatch(rest, /transfer-encoding/i)
      },
    )
  }

  await t.test('100-continue', async (t) => {
    const { port, exchange } = await bench(t, traits)
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n'
    const client = await RawClient.connect(port)
    client.send(head)
    let request = await exchange()
    t.equal(request.body.expectsContinue, traits.continueByGateway)
    const body = readBody(request)
    if (traits.continueByGateway) {
      t.equal(client.received, '')
      request.body.sendContinue()
      request.body.sendContinue()
    }
    t.equal((await client.head()).status, 100)
    client.send('abc')
    t.equal((await body).text, 'abc')
    request.respond(200, [], 'ok')
    t.equal((await client.response()).status, 200)
    client.destroy()

    const refused = await RawClient.connect(port)
    refused.send(head)
    request = await exchange()
    request.respond(413, [], 'too large')
    if (!traits.continueByGateway) {
      t.equal((await refused.head()).status, 100)
      t.equal((await refused.response()).status, 413)
    } else {
      const response = await refused.response()
      t.equal(response.status, 413)
      t.equal(response.headers.get('connection'), 'close')
      await refused.closed
    }
    refused.destroy()
  })

  if (traits.trailers) {
    await t.test('trailers of a request arrive', async (t) => {
      const { port, exchange } = await bench(t, traits)
      const client = await RawClient.connect(port)
      client.send(
        'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-T: 1\r\nx-t: 2\xe9\r\n\r\n',
      )
      const request = await exchange()
      t.same(await readBody(request), {
        text: 'a',
        trailers: [
          ['X-T', '1'],
          ['x-t', '2\xe9'],
        ],
      })
      request.respond(200, [])
      client.destroy()
    })
  }

  await t.test('a callback that throws cuts its exchange and is told of', async (t) => {
    const { port, failures } = await bench(t, traits, {
      onExchange: () => {
        throw new Error('from the callback')
      },
    })
    const client = await RawClient.connect(port)
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    t.equal(await client.all(), '')
    t.match(failures, [{ message: 'from the callback' }])
  })
}
