import { once } from 'node:events'
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { chooseListener, pickListener, sharesPort } from '../../../gateway/listener/choose.js'
import type { ListenOptions } from '../../../gateway/listener/listener.js'
import { knowsReusePort } from '../../../gateway/listener/strict/listen.js'
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

await t.test('auto takes our own, and says why', async (t) => {
  const { listener, why } = await chooseListener('auto', OPTIONS)
  t.teardown(() => listener.close(0))
  t.equal(listener.name, 'strict')
  t.match(why, /passed the self-test/)
  t.ok(listener.limits.length > 0)
  const client = await RawClient.connect(listener.address.port)
  client.send('GET /it-works HTTP/1.1\r\nHost: a\r\n\r\n')
  await client.take('/it-works')
  client.destroy()
})

await t.test('auto asks uws first when several threads need one port and ours cannot share it', async (t) => {
  const { name, why } = await pickListener('auto', { tls: false, threads: 2 })
  t.equal(name, 'strict')
  if (!sharesPort('strict')) t.match(why, /passed the self-test; uws failed the self-test \(high byte/)
})

await t.test('a listener asked for by name is taken as it is', async (t) => {
  for (const name of ['strict', 'node', 'uws'] as const) {
    const { listener, why } = await chooseListener(name, OPTIONS)
    t.teardown(() => listener.close(0))
    t.equal(listener.name, name)
    t.match(why, `--listener ${name}`)
    t.ok(listener.limits.every((limit) => limit.length > 10))
    t.equal(listener.sharesPort, sharesPort(name))
  }
})

await t.test('TLS is not for uws', async (t) => {
  t.match(await pickListener('auto', { tls: true, threads: 1 }), { name: 'strict' })
  if (!sharesPort('strict'))
    t.match(await pickListener('auto', { tls: true, threads: 2 }), { name: 'strict', why: /uws has no TLS/ })
  await t.rejects(chooseListener('uws', { ...OPTIONS, tls: { key: '', cert: '' } }), {
    code: 'LISTENER_UNAVAILABLE',
  })
})

await t.test('who cannot share a port says so', async (t) => {
  await t.rejects(chooseListener('node', { ...OPTIONS, sharePort: true }), { code: 'LISTENER_UNAVAILABLE' })
  await t.rejects(chooseListener('uws', { ...OPTIONS, sharePort: true }), { code: 'INVALID_OPTION' })
  await t.rejects(chooseListener('strict', { ...OPTIONS, sharePort: true }), {
    code: sharesPort('strict') ? 'INVALID_OPTION' : 'LISTENER_UNAVAILABLE',
  })
})

await t.test('ours shares a port where node can', (t) => {
  for (const version of ['22.12.0', '22.20.1', '23.1.0', '24.0.0', '26.1.1'])
    t.ok(knowsReusePort(version, 'linux'), version)
  for (const version of ['20.19.0', '22.11.0', '23.0.0']) t.notOk(knowsReusePort(version, 'linux'), version)
  t.notOk(knowsReusePort('24.0.0', 'darwin'))
  t.equal(sharesPort('strict'), knowsReusePort(process.versions.node, process.platform))
  t.end()
})

for (const name of (['strict', 'uws'] as const).filter(sharesPort))
  await t.test(`threads share a port on ${name}`, async (t) => {
    const probe = await chooseListener('node', OPTIONS)
    const { port } = probe.listener.address
    await probe.listener.close(0)
    const threads = [0, 1].map(
      (index) =>
        new Worker(new URL('./sharing-thread.js', import.meta.url), { workerData: { name, port, index } }),
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
  t.equal(message.picked.name, 'strict')
  if (!sharesPort('strict')) t.match(message.picked.why, /uws cannot run/)
  await once(child, 'exit')
})
