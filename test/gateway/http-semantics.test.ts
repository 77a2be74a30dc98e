import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer as createTcpServer } from 'node:net'
import t from 'tap'

import { ask, echo, LISTENERS, sendRaw, startUnderTest, startUpstream } from './gateway-fixture.js'

for (const listener of LISTENERS)
  t.test(`through the ${listener} listener`, async (t) => {
    const upstream = await startUpstream(t, (req, res) => {
      if (req.url === '/204') res.writeHead(204).end()
      else if (req.url === '/304') res.writeHead(304, { etag: '"a"' }).end()
      else if (req.url === '/head') res.writeHead(200, { 'content-length': 1234 }).end()
      else if (req.url === '/early') {
        res.writeEarlyHints({ link: '</a.css>; rel=preload', connection: 'x-hop', 'x-hop': '1' })
        res.end('late')
      } else if (req.url === '/trailers') {
        res.writeHead(200, { trailer: 'X-Sum, Content-Length' })
        res.write('body')
        res.addTrailers({ 'X-Sum': '42' })
        res.end()
      } else if (req.url === '/hop')
        res
          .writeHead(200, { connection: 'X-Hop', 'x-hop': '1', 'x-kept': '2', 'x-request-id': 'theirs' })
          .end()
      else echo(req, res)
    })
    const { port, auditOf } = await startUnderTest(t, upstream.origin, {
      listener,
      detection: { phases: { url_block: { paths: ['/forbidden'] } } },
    })

    t.test('HEAD has the length and no body; 204 and 304 have none', async (t) => {
      const head = await ask(port, '/head', { method: 'HEAD' })
      t.equal(head.headers['content-length'], '1234')
      t.equal(head.body, '')
      t.equal((await ask(port, '/204')).status, 204)
      const unchanged = await ask(port, '/304')
      t.equal(unchanged.status, 304)
      t.equal(unchanged.headers.etag, '"a"')
    })

    t.test('early hints pass where the listener can send them', async (t) => {
      const req = request({ host: '127.0.0.1', port, path: '/early', agent: false }).end()
      const hints: IncomingMessage['headers'][] = []
      req.on('information', (info) => hints.push(info.headers))
      const [res] = (await once(req, 'response')) as [IncomingMessage]
      res.resume()
      await once(res, 'end')
      t.equal(res.statusCode, 200)
      if (listener !== 'uws') {
        t.match(hints, [{ link: '</a.css>; rel=preload' }])
        t.notOk(
          hints.some((fields) => 'x-hop' in fields || 'connection' in fields),
          'none of one hop',
        )
      }
    })

    t.test('trailers of the response pass, those that would re-frame it do not', async (t) => {
      const reply = await ask(port, '/trailers', { headers: { te: 'trailers' } })
      t.equal(reply.body, 'body')
      if (listener !== 'uws') t.same({ ...reply.trailers }, { 'x-sum': '42' })
    })

    t.test('fields of one hop stay on it, both ways', async (t) => {
      const reply = await ask(port, '/hop', {
        headers: {
          connection: 'close, X-Mine',
          'x-mine': '1',
          'x-other': '2',
          'keep-alive': 'timeout=9',
          te: 'gzip',
        },
      })
      t.notOk('x-hop' in reply.headers)
      t.equal(reply.headers['x-kept'], '2')
      t.not(reply.headers['x-request-id'], 'theirs')
      const seen = upstream.seen.at(-1)?.headers ?? {}
      t.notOk('x-mine' in seen)
      t.notOk('te' in seen)
      t.notOk('keep-alive' in seen && seen['keep-alive'] === 'timeout=9')
      t.equal(seen['x-other'], '2')
    })

    t.test('the upstream learns the peer, not what the client claims', async (t) => {
      await ask(port, '/', {
        headers: { 'x-forwarded-for': '1.2.3.4', 'x-forwarded-proto': 'https', host: 'shop.example' },
      })
      t.match(upstream.seen.at(-1)?.headers, {
        host: 'shop.example',
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-proto': 'http',
        'x-forwarded-host': 'shop.example',
      })
    })

    t.test('an id of the client is kept in a field of its own', async (t) => {
      const reply = await ask(port, '/?q=%3Cscript%3Ealert(1)%3C/script%3E', {
        headers: { 'x-request-id': 'mine-1' },
      })
      const line = (await auditOf(1)).at(-1)
      t.equal(line?.client_request_id, 'mine-1')
      t.equal(line?.request_id, reply.headers['x-request-id'])
    })

    t.test('a traceparent is passed on', async (t) => {
      const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
      await ask(port, '/', { headers: { traceparent: parent } })
      t.equal(upstream.seen.at(-1)?.headers['traceparent'], parent)
    })

    t.test('what is expected to continue is told so only when it may', async (t) => {
      const expecting = (path: string): Promise<{ continued: boolean; status: number }> =>
        new Promise((resolve, reject) => {
          let continued = false
          const req = request({
            host: '127.0.0.1',
            port,
            path,
            method: 'POST',
            agent: false,
            headers: { expect: '100-continue', 'content-length': 5, 'content-type': 'text/plain' },
          })
          req.on('continue', () => {
            continued = true
            req.end('hello')
          })
          req.on('response', (res) => {
            res.resume()
            res.on('end', () => {
              req.destroy()
              resolve({ continued, status: res.statusCode ?? 0 })
            })
          })
          req.on('error', reject)
          req.flushHeaders()
        })
      t.same(await expecting('/'), { continued: true, status: 200 })
      const refused = await expecting('/forbidden')
      t.equal(refused.status, 403)
      // uWebSockets answers by itself, before any rule runs; it is one of its printed limits.
      if (listener !== 'uws') t.notOk(refused.continued)
    })
  })

t.test('requests whose framing can be read in two ways', async (t) => {
  const upstream = await startUpstream(t, echo)
  const { port, auditOf } = await startUnderTest(t, upstream.origin, { listener: 'node' })
  const refused: Record<string, string> = {
    'length and transfer coding':
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n',
    'two lengths': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde',
    'an unknown coding': 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n',
    'two hosts': 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n',
    'no host': 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n',
    'a bare CR in a value': 'GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n',
  }
  for (const [name, bytes] of Object.entries(refused))
    t.test(`${name}: 400, and nothing is forwarded`, async (t) => {
      const passed = upstream.seen.length
      t.match(await sendRaw(port, bytes), /^HTTP\/1\.1 400 /)
      t.equal(upstream.seen.length, passed)
    })
  t.test('what could be parsed is logged', async (t) => {
    const lines = await auditOf(2)
    t.ok(lines.some(({ verdict }) => verdict.phase === 'malformed' && verdict.status === 400))
  })
  t.test('chunks are framed anew', async (t) => {
    const text = await sendRaw(
      port,
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n',
    )
    t.match(text, /abcde$/)
    t.equal(upstream.seen.at(-1)?.headers['content-length'], '5')
    t.notOk('transfer-encoding' in (upstream.seen.at(-1)?.headers ?? {}))
  })
  t.test('an absolute target goes on in origin form, to the host that it names', async (t) => {
    await sendRaw(port, 'GET http://b.example/x?y HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n')
    t.equal(upstream.seen.at(-1)?.url, '/x?y')
    t.equal(upstream.seen.at(-1)?.headers.host, 'b.example')
  })
  t.test('HTTP/1.0 without a host goes on under the name of the upstream', async (t) => {
    t.match(await sendRaw(port, 'GET /old HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 /)
    t.equal(upstream.seen.at(-1)?.url, '/old')
    t.equal(upstream.seen.at(-1)?.headers.host, new URL(upstream.origin).host)
  })
  t.test('OPTIONS * is answered here', async (t) => {
    t.match(
      await sendRaw(port, 'OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'),
      /^HTTP\/1\.1 204 [^]*Allow: GET/,
    )
  })
})

t.test('trusted proxies', async (t) => {
  const upstream = await startUpstream(t, echo)
  const { port, auditOf } = await startUnderTest(t, upstream.origin, {
    config: { trusted_proxies: ['127.0.0.0/8'] },
  })
  await ask(port, '/?q=%3Cscript%3Ealert(1)%3C/script%3E', { headers: { 'x-forwarded-for': '203.0.113.9' } })
  t.equal((await auditOf(1))[0]?.client, '203.0.113.9', 'policies apply to the client behind it')
  await ask(port, '/', { headers: { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https' } })
  t.match(upstream.seen.at(-1)?.headers, {
    'x-forwarded-for': '203.0.113.9, 127.0.0.1',
    'x-forwarded-proto': 'https',
  })
})

t.test('an upstream that does not answer', async (t) => {
  const dead = createTcpServer().listen(0, '127.0.0.1')
  await once(dead, 'listening')
  const deadPort = (dead.address() as AddressInfo).port
  dead.close()
  await once(dead, 'close')

  t.test('is 502 when nobody listens', async (t) => {
    const { port } = await startUnderTest(t, `http://127.0.0.1:${deadPort}`)
    const reply = await ask(port, '/')
    t.equal(reply.status, 502)
    t.ok(reply.body.includes(String(reply.headers['x-request-id'])))
    t.notMatch(reply.body, /ECONNREFUSED|127\.0\.0\.1/)
  })

  t.test('is 502 when it does not speak HTTP', async (t) => {
    const odd = createTcpServer((socket) => {
      socket.on('error', () => undefined)
      socket.end('SSH-2.0-x\r\n')
    }).listen(0, '127.0.0.1')
    await once(odd, 'listening')
    t.teardown(() => odd.close())
    const { port } = await startUnderTest(t, `http://127.0.0.1:${(odd.address() as AddressInfo).port}`)
    t.equal((await ask(port, '/')).status, 502)
  })

  t.test('is 503 when there is none', async (t) => {
    const { port } = await startUnderTest(t, undefined)
    const reply = await ask(port, '/')
    t.equal(reply.status, 503)
    t.equal(reply.headers['retry-after'], '1')
  })

  t.test('is 504 when it takes too long', async (t) => {
    const slow = createServer(() => undefined).listen(0, '127.0.0.1')
    await once(slow, 'listening')
    t.teardown(() => {
      slow.closeAllConnections()
      slow.close()
    })
    const { port } = await startUnderTest(t, `http://127.0.0.1:${(slow.address() as AddressInfo).port}`, {
      config: { timeouts: { response_headers: 0.5 } },
    })
    t.equal((await ask(port, '/')).status, 504)
  })

  t.test('cuts the response when it breaks off, so that the client knows', async (t) => {
    const broken = createServer((_, res) => {
      res.writeHead(200, { 'content-length': 100 })
      res.write('half')
      setImmediate(() => res.destroy())
    }).listen(0, '127.0.0.1')
    await once(broken, 'listening')
    t.teardown(() => broken.close())
    const { port } = await startUnderTest(t, `http://127.0.0.1:${(broken.address() as AddressInfo).port}`)
    const result = await ask(port, '/').catch((error: unknown) => error)
    t.ok(
      result instanceof Error ||
        (typeof result === 'object' && result !== null && 'status' in result && result.status === 502),
    )
  })

  t.test('gets a request again only when that changes nothing', async (t) => {
    const counts: Record<string, number> = {}
    const closing = createTcpServer((socket) => {
      let first = true
      socket.on('error', () => undefined)
      socket.on('data', (data) => {
        const method = data.toString().split(' ')[0] ?? ''
        if (!/^[A-Z]+$/.test(method)) return
        counts[method] = (counts[method] ?? 0) + 1
        // The second request on a connection meets a closed door; so does every POST.
        if (first && method !== 'POST') socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
        else socket.destroy()
        first = false
      })
    }).listen(0, '127.0.0.1')
    await once(closing, 'listening')
    t.teardown(() => closing.close())
    const { port } = await startUnderTest(t, `http://127.0.0.1:${(closing.address() as AddressInfo).port}`)
    t.equal((await ask(port, '/')).status, 200)
    t.equal((await ask(port, '/')).status, 200, 'a GET is sent again on a new connection')
    t.equal(counts['GET'], 3)
    const post = { method: 'POST', body: 'a=b' }
    t.equal((await ask(port, '/', post)).status, 502, 'a POST is not')
    t.equal(counts['POST'], 1)
  })
})
