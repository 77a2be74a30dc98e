import t from 'tap'

import { startDemoService } from '../../cli/demo-service.js'

const service = await startDemoService({ host: '127.0.0.1', port: 0 })
const base = `http://127.0.0.1:${String(service.info?.port)}`
const get = async (path: string, init?: RequestInit) => {
  const response = await fetch(base + path, init)
  return { status: response.status, type: response.headers.get('content-type'), body: await response.text() }
}

void t.test('serves a page, a search, an echo and an upload', async (t) => {
  t.match(await get('/'), { status: 200, type: /^text\/html/, body: /<!doctype html>/ })
  t.match(await get('/search?q=a%20b'), { status: 200, body: '{"query":"a b","results":[]}\n' })
  t.match(await get('/echo', { method: 'POST', body: '{"a":[1]}' }), {
    status: 200,
    body: '{"echo":{"a":[1]}}\n',
  })
  t.match(await get('/echo', { method: 'POST', body: '{' }), { status: 400 })
  t.match(await get('/echo', { method: 'POST', body: 'x'.repeat(70_000) }), { status: 413 })
  t.match(await get('/upload', { method: 'POST', body: 'x'.repeat(200_000) }), { body: '{"bytes":200000}\n' })
  t.match(await get('//x:y:z/'), { status: 404 })
  t.match(await get('/', { method: 'DELETE' }), { status: 405 })
})

void t.test('a stream of events begins at once and does not hold the end up', async (t) => {
  const response = await fetch(`${base}/events`)
  const reader = response.body?.getReader()
  const { value } = (await reader?.read()) ?? {}
  t.equal(Buffer.from(value ?? []).toString(), 'id: 1\ndata: {"tick":1,"of":5}\n\n')
  await service.stop()
  t.equal((await reader?.read())?.done, true)
})

void t.test('says that its port is taken', async (t) => {
  const first = await startDemoService({ host: '127.0.0.1', port: 0 })
  const port = Number(first.info?.port)
  await t.rejects(startDemoService({ host: '127.0.0.1', port }), {
    code: 'LISTEN_FAILED',
    message: /free that port/,
  })
  await first.stop()
})
