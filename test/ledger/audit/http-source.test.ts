import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import type { Test } from 'tap'
import { auditLog } from '../../../ledger/audit/audit.js'
import { openUrl } from '../../../ledger/audit/http-source.js'
import { decodeVkey } from '../../../proofs/note-key.js'
import { entriesOf, ForeignLog } from './foreign-log.js'

const LOOPBACK = { allow: ['127.0.0.0/8'] }
type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** A web server with a log of 600 entries below `/log/`; `first` may take a request before it. */
async function serve(t: Test, first: Handler = () => undefined) {
  const folder = t.testdir({})
  const log = new ForeignLog()
  await log.write(folder, entriesOf(600))
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    first(request, response)
    if (response.writableEnded) return
    const file = createReadStream(join(folder, (request.url ?? '').replace(/^\/log\//, '')))
    file.on('error', () => response.writeHead(404).end())
    file.pipe(response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/log`
  const audit = async () => {
    const source = openUrl(url, LOOPBACK)
    try {
      return await auditLog(source, { keys: [decodeVkey(log.vkey)] })
    } finally {
      await source.close()
    }
  }
  return { url, folder, asked, audit }
}

void t.test('a log is audited over HTTP', async (t) => {
  const { audit, asked } = await serve(t)
  const report = await audit()
  t.same(report.findings, [])
  t.equal(report.entries, 600)
  t.ok(asked.every((path) => path.startsWith('/log/')))
})

void t.test('a private address must be allowed', async (t) => {
  const { url, asked } = await serve(t)
  t.throws(() => openUrl(url, { allow: [] }), { code: 'OUTBOUND_REFUSED' })
  const source = openUrl(url.replace('127.0.0.1', 'localhost'), { allow: [] })
  await t.rejects(auditLog(source, { keys: [] }), { code: 'OUTBOUND_REFUSED' })
  await source.close()
  t.same(asked, [])
})

void t.test('a server that is busy is asked again', async (t) => {
  let refusals = 2
  const { audit } = await serve(t, (request, response) => {
    if (request.url?.endsWith('tile/0/001') && refusals-- > 0) response.writeHead(503).end()
  })
  t.ok((await audit()).ok)
})

void t.test('answers that are no file end the audit', async (t) => {
  const answers: readonly (readonly [string, Handler])[] = [
    ['unreachable', (_, response) => response.writeHead(302, { location: '/' }).end()],
    ['unreachable', (_, response) => response.writeHead(200, { 'content-encoding': 'br' }).end('x')],
    ['unreachable', (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('x')],
    ['too_large', (_, response) => response.end(Buffer.alloc(65_537))],
    [
      'too_large',
      (_, response) =>
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(1 << 20))),
    ],
    ['missing', (_, response) => response.writeHead(404).end()],
  ]
  for (const [code, handler] of answers) {
    const { audit } = await serve(t, (request, response) => {
      if (request.url?.endsWith('checkpoint')) handler(request, response)
    })
    t.equal((await audit()).code, code)
  }
})

void t.test('a bundle may come as gzip', async (t) => {
  const { audit, folder } = await serve(t, (request, response) => {
    if (!request.url?.endsWith('entries/000')) return
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(packed)
  })
  const packed = gzipSync(await readFile(join(folder, 'tile/entries/000')))
  t.ok((await audit()).ok)
})
