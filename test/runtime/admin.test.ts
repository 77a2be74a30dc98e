import { once } from 'node:events'
import { connect } from 'node:net'
import t from 'tap'

import { startAdmin } from '../../runtime/admin.js'
import { createLogger } from '../../runtime/log.js'

const log = createLogger({ level: 'silent', role: 'test' })
const problems: Record<string, string> = {}

void t.test('serves health, readiness and metrics, and nothing else', async (t) => {
  const admin = await startAdmin({
    host: '127.0.0.1',
    port: 0,
    problems: async () => {
      if (problems.broken) throw new Error('secret detail')
      return problems
    },
    metrics: async () => 'up 1\n',
    log,
  })
  t.teardown(() => admin.close())
  const base = `http://127.0.0.1:${admin.port}`
  const get = async (path: string, init?: RequestInit) => {
    const response = await fetch(base + path, init)
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      body: await response.text(),
    }
  }

  t.strictSame(await get('/health'), { status: 200, type: 'application/json', body: '{"status":"ok"}\n' })
  t.strictSame(await get('/ready?x=1'), {
    status: 200,
    type: 'application/json',
    body: '{"status":"ready","problems":{}}\n',
  })
  problems['ledger.writer'] = 'it is starting'
  t.strictSame(await get('/ready'), {
    status: 503,
    type: 'application/json',
    body: '{"status":"not ready","problems":{"ledger.writer":"it is starting"}}\n',
  })
  t.strictSame(await get('/metrics'), {
    status: 200,
    type: 'text/plain; version=0.0.4; charset=utf-8',
    body: 'up 1\n',
  })
  t.match(await get('/health', { method: 'HEAD' }), { status: 200, body: '' })
  t.match(await get('/health', { method: 'POST', body: 'x'.repeat(100_000) }), { status: 405 })
  t.match(await get('/'), { status: 404 })
  t.match(await get('/metrics/../secret'), { status: 404 })
  problems.broken = 'yes'
  t.strictSame(await get('/ready'), { status: 500, type: 'application/json', body: '{"status":"error"}\n' })
})

void t.test('says which address is taken and which flag changes it', async (t) => {
  const options = { host: '127.0.0.1', problems: async () => ({}), metrics: async () => '', log }
  const first = await startAdmin({ ...options, port: 0 })
  await t.rejects(startAdmin({ ...options, port: first.port }), {
    code: 'LISTEN_FAILED',
    message: `cannot listen on 127.0.0.1:${first.port}: the port is taken; choose another with --admin HOST:PORT`,
  })
  const idle = connect(first.port, '127.0.0.1')
  await once(idle, 'connect')
  const closed = once(idle, 'close')
  await first.close()
  await closed
  t.pass('an idle connection does not hold the end up')
})
