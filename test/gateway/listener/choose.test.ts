import { once } from 'node:events'
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { chooseListener, pickListener } from '../../../gateway/listener/choose.js'
import type { ListenOptions } from '../../../gateway/listener/listener.js'
import { RawClient } from '../../conformance/raw-client.js'

const OPTIONS: ListenOptions = {
  host: '127.0.0.1',
  port: 0,
  timeouts: { headersMs: 5000, idleMs: 5000, bodyIdleMs: 5000 },
  maxHeaderBytes: 16_384,
  onExchange: (exchange) => exchange.respond(200, [], exchange.target),
  onUpgrade: (upgrade) => upgrade.respond(403, []),
  onMalformed: () => undefined,
  onFailure: () => undefined,
}

await t.test('auto takes node here, and says why', async (t) => {
  const { listener, why } = await chooseListener('auto', OPTIONS)
  t.teardown(() => listener.close(0))
  t.equal(listener.name, 'node')
  t.match(why, /passed the self-test.*uws failed the self-test \(high byte/)
  t.ok(listener.limits.length > 0)
  const client = await RawClient.connect(listener.address.port)
  client.send('GET /it-works HTTP/1.1\r\nHost: a\r\n\r\n')
  await client.take('/it-works')
  client.destroy()
})

await t.test('a listener asked for by name is taken as it is', async (t) => {
  for (const name of ['node', 'uws'] as const) {
    const { listener, why } = await chooseListener(name, OPTIONS)
    t.teardown(() => listener.close(0))
    t.equal(listener.name, name)
    t.match(why, `--listener ${name}`)
    t.ok(listener.limits.every((limit) => limit.length > 10))
    t.equal(listener.sharesPort, name === 'uws')
  }
})

await t.test('TLS needs node', async (t) => {
  t.match(await pickListener('auto', { tls: true }), { name: 'node', why: /uws has no TLS/ })
  await t.rejects(chooseListener('uws', { ...OPTIONS, tls: { key: '', cert: '' } }), {
    code: 'LISTENER_UNAVAILABLE',
  })
})

await t.test('node does not share a port, and says so', async (t) => {
  await t.rejects(chooseListener('node', { ...OPTIONS, sharePort: true }), { code: 'LISTENER_UNAVAILABLE' })
  await t.rejects(chooseListener('uws', { ...OPTIONS, sharePort: true }), { code: 'INVALID_OPTION' })
})

await t.test('threads share a port on uws', async (t) => {
  const probe = await chooseListener('node', OPTIONS)
  const { port } = probe.listener.address
  await probe.listener.close(0)
  const threads = [0, 1].map(
    (index) => new Worker(new URL('./uws-thread.js', import.meta.url), { workerData: { port, index } }),
  )
  await Promise.all(threads.map((thread) => once(thread, 'message')))
  const answers = new Set<string>()
  // The kernel spreads connections by their ports: 64 of them on one of two threads would be a wonder.
  for (let i = 0; i < 64; i++) {
    const client = await RawClient.connect(port)
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    answers.add((await client.response()).body)
    client.destroy()
  }
  t.ok(answers.size > 1, `answers from threads ${[...answers].join(', ')}`)

  const [broken, ...others] = threads
  const failed = once(broken!, 'error')
  broken!.postMessage('throw')
  t.match(await failed, [{ message: 'a bug in this thread' }])
  t.pass('a thread that fails does not take the process with it')
  await Promise.all(
    others.map((thread) => {
      thread.postMessage('close')
      return once(thread, 'exit')
    }),
  )
})

await t.test('the plain JavaScript fallback of the package is refused by name', async (t) => {
  const child = fork(fileURLToPath(new URL('./uws-fallback.js', import.meta.url)), {
    env: { ...process.env, UWS_USE_FALLBACK: 'true' },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const [message] = (await once(child, 'message')) as [
    { code: string; message: string; picked: { name: string; why: string } },
  ]
  t.equal(message.code, 'LISTENER_UNAVAILABLE')
  t.match(message.message, /plain JavaScript fallback/)
  t.match(message.picked, { name: 'node', why: /uws cannot run/ })
  await once(child, 'exit')
})
