import { once } from 'node:events'
import { request } from 'node:http'
import t from 'tap'

import { ask, LISTENERS, startUnderTest, startUpstream } from './gateway-fixture.js'

const GIB = 1024 * 1024 * 1024
const CHUNK = Buffer.alloc(256 * 1024, 'x')
/** What a process may grow by while a gigabyte passes: less than half of it, so nothing is gathered. */
const FLAT = 400 * 1024 * 1024

const memory = (): number => process.memoryUsage().rss

for (const listener of LISTENERS)
  t.test(`through the ${listener} listener`, async (t) => {
    let received = 0
    let aborted: () => void = () => undefined
    let nextEvent: () => void = () => undefined
    const upstream = await startUpstream(t, (req, res) => {
      if (req.url === '/download') {
        res.writeHead(200, { 'content-length': GIB })
        let left = GIB
        const push = (): void => {
          while (left > 0) {
            left -= CHUNK.length
            if (!res.write(CHUNK)) {
              res.once('drain', push)
              return
            }
          }
          res.end()
        }
        push()
      } else if (req.url === '/events') {
        res.writeHead(200, { 'content-type': 'text/event-stream' })
        let sent = 0
        nextEvent = () => {
          res.write(`data: ${++sent}\n\n`)
          if (sent === 3) res.end()
        }
        nextEvent()
      } else if (req.url === '/hang') {
        res.writeHead(200, { 'content-type': 'text/plain' })
        res.write('begun')
        res.on('close', () => aborted())
      } else if (req.url === '/silent') {
        req.on('close', () => aborted())
        req.resume()
      } else {
        received = 0
        req.on('data', (chunk: Buffer) => (received += chunk.length))
        req.on('end', () => res.end(String(received)))
      }
    })
    const { port, auditOf } = await startUnderTest(t, upstream.origin, {
      listener,
      config: { routes: [{ path: '/upload', body: 'process-partial' }] },
    })

    t.test('a gigabyte comes down with flat memory', async (t) => {
      const before = memory()
      let peak = 0
      const req = request({ host: '127.0.0.1', port, path: '/download', agent: false }).end()
      const [res] = (await once(req, 'response')) as [NodeJS.ReadableStream & { statusCode: number }]
      t.equal(res.statusCode, 200)
      let size = 0
      for await (const chunk of res) {
        size += chunk.length
        if (size % (64 * 1024 * 1024) < chunk.length) peak = Math.max(peak, memory())
      }
      t.equal(size, GIB)
      t.ok(peak - before < FLAT, `grew by ${peak - before}`)
    })

    t.test('a gigabyte goes up on a process-partial route with flat memory', async (t) => {
      const before = memory()
      let peak = 0
      const req = request({
        host: '127.0.0.1',
        port,
        path: '/upload',
        method: 'POST',
        agent: false,
        // uWebSockets refuses lengths of ten digits; there the body comes in chunks.
        headers: {
          'content-type': 'application/octet-stream',
          ...(listener === 'uws' ? { 'transfer-encoding': 'chunked' } : { 'content-length': GIB }),
        },
      })
      const answered = once(req, 'response')
      for (let left = GIB, round = 0; left > 0; left -= CHUNK.length, round++) {
        if (!req.write(CHUNK)) await once(req, 'drain')
        if (round % 256 === 0) peak = Math.max(peak, memory())
      }
      req.end()
      const [res] = (await answered) as [NodeJS.ReadableStream & { statusCode: number }]
      let text = ''
      for await (const chunk of res) text += String(chunk)
      t.equal(res.statusCode, 200)
      t.equal(text, String(GIB))
      t.ok(peak - before < FLAT, `grew by ${peak - before}`)
    })

    t.test('events arrive one by one', async (t) => {
      const req = request({ host: '127.0.0.1', port, path: '/events', agent: false }).end()
      const [res] = (await once(req, 'response')) as [NodeJS.ReadableStream]
      let text = ''
      let arrived: () => void = () => undefined
      res.on('data', (chunk: Buffer) => {
        text += chunk.toString()
        arrived()
      })
      const ended = once(res, 'end')
      for (let event = 1; event < 3; event++) {
        while (!text.includes(`data: ${event}\n\n`)) await new Promise<void>((resolve) => (arrived = resolve))
        // The upstream sends the next one only now.
        nextEvent()
      }
      await ended
      t.equal(text, 'data: 1\n\ndata: 2\n\ndata: 3\n\n')
    })

    for (const path of ['/hang', '/silent'])
      t.test(`a client that leaves ${path} is gone for the upstream too`, async () => {
        const gone = new Promise<void>((resolve) => (aborted = resolve))
        const arrived = once(upstream.server, 'request')
        const req = request({ host: '127.0.0.1', port, path, agent: false }).end()
        req.on('error', () => undefined)
        if (path === '/hang') await once(req, 'response')
        else await arrived
        req.destroy()
        await gone
      })

    t.test('a client that leaves during its upload is gone for the upstream too', async () => {
      const gone = new Promise<void>((resolve) => (aborted = resolve))
      upstream.server.once('request', (req) => req.on('close', () => aborted()))
      const req = request({
        host: '127.0.0.1',
        port,
        path: '/upload',
        method: 'POST',
        agent: false,
        headers: { 'content-length': 512 * 1024 * 1024, 'content-type': 'application/octet-stream' },
      })
      req.on('error', () => undefined)
      const arrived = once(upstream.server, 'request')
      for (let sent = 0; sent < 64; sent++) req.write(CHUNK)
      await arrived
      req.destroy()
      await gone
    })

    t.test('a partly judged upload that is recorded says that it was', async (t) => {
      const body = `q=${encodeURIComponent('<script>alert(1)</script>')}&a=${'b'.repeat(200_000)}`
      const reply = await ask(port, '/upload', {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body,
      })
      t.equal(reply.status, 403)
      const line = (await auditOf(1)).at(-1)
      t.ok(line?.verdict.truncated.includes('request_body_fields'))
    })
  })
