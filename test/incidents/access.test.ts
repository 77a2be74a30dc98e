import { spawn, type ChildProcess } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { configSchema } from '../../cli/config.js'
import { openIncidentAccess } from '../../incidents/access.js'
import { startIncidents } from '../../incidents/role.js'
import { openActionSigner } from '../../ledger/client/action-signer.js'
import { openOutbox } from '../../runtime/lmdb-outbox.js'
import { openTopic } from '../../runtime/topics.js'
import { socketPath } from '../../runtime/unix-socket.js'
import { noRecorder, openIncident, openTestCore, silent } from './fixtures/core.js'

/** A data folder with one incident, what commands do there, and a role of this process. */
const open = async (t: Test) => {
  const data = t.testdir()
  const folder = join(data, 'incidents')
  const core = await openTestCore(t, { folder })
  const { id } = await openIncident(core)
  await core.store.close()
  const settings = configSchema.parse({})
  const outbox = openOutbox(join(data, 'outbox'), { log: silent })
  const signer = await openActionSigner('incidents', join(folder, 'key'))
  const ledger = openTopic(outbox, 'ledger')
  t.teardown(() => outbox.close())
  return {
    id,
    folder,
    command: () =>
      openIncidentAccess({
        settings,
        folder,
        actor: 'ann',
        now: () => Date.now(),
        log: silent,
        openStores: async () => ({ ledger, signer, close: async () => undefined }),
      }),
    role: () =>
      startIncidents({
        recorder: noRecorder,
        settings,
        folder,
        events: openTopic(outbox, 'events'),
        ledger,
        commands: {
          gateway: openTopic(outbox, 'commands.gateway'),
          scanner: openTopic(outbox, 'commands.scanner'),
        },
        signer,
        now: () => Date.now(),
        log: silent,
      }),
  }
}

/** Another process that has claimed a store, as a role that does not serve yet. */
const claimer = async (t: Test, folder: string): Promise<ChildProcess> => {
  const module = (name: string): string =>
    JSON.stringify(new URL(`../../incidents/${name}`, import.meta.url).href)
  const script = `const { claim } = await import(${module('claim.js')})
    const { IncidentStore } = await import(${module('store.js')})
    const store = await IncidentStore.open(${JSON.stringify(folder)})
    await store.transaction(() => claim(store))
    process.stdout.write('claimed')
    setInterval(() => undefined, 1000)`
  const child = spawn(process.execPath, [...process.execArgv, '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return child
}

/** Stands where the role's socket is. */
const onSocket = async (t: Test, folder: string, listener: RequestListener): Promise<() => Promise<void>> => {
  const server = createServer(listener)
  const socket = await socketPath(folder, 'incidents.sock')
  server.listen(socket.path)
  await once(server, 'listening')
  const close = async (): Promise<void> => {
    if (!server.listening) return
    server.close()
    await once(server, 'close')
    await socket.close()
  }
  t.teardown(close)
  return close
}

t.test('while a role begins nothing is read or changed beside it; when it dies, commands act', async (t) => {
  const { id, folder, command, role } = await open(t)
  const access = command()
  const { status } = await access.request('GET', `/v1/incidents/${id}`)
  t.equal(status, 200, 'no role runs: the store is asked')
  const beginning = await claimer(t, folder)
  await t.rejects(
    role(),
    { code: 'IN_USE', message: new RegExp(`process ${beginning.pid} `) },
    'one role at a time',
  )
  // Whoever looks for the role finds that nobody answers.
  const looks = new EventEmitter()
  const closed = await onSocket(t, folder, (request) => {
    request.socket.destroy()
    looks.emit('look')
  })
  const answers: string[] = []
  const asked = Promise.all([
    access.request('GET', '/v1/incidents').then(({ body }) => answers.push(Buffer.from(body).toString())),
    access.request('POST', `/v1/incidents/${id}/comments`, { text: 'seen' }),
  ])
  for (let look = 0; look < 8; look++) await once(looks, 'look')
  t.strictSame(answers, [], 'it is waited for')
  await closed()
  const exited = once(beginning, 'exit')
  beginning.kill('SIGKILL')
  await exited
  const [, comment] = await asked
  t.equal(comment.status, 201)
  t.match(answers, [new RegExp(id)])
  await access.close()

  const started = await role()
  const later = command()
  const timeline = await later.request('GET', `/v1/incidents/${id}/timeline`)
  t.match(JSON.parse(Buffer.from(timeline.body).toString()), {
    items: [{ kind: 'incident.opened' }, { kind: 'incident.commented', text: 'seen' }],
  })
  await started.close()
  t.equal((await later.request('GET', '/v1/incidents')).status, 200, 'it gave the store back')
  await later.close()
})

t.test('a command that finds a role that began in between asks it', async (t) => {
  const { id, folder, command } = await open(t)
  const access = command()
  // The store is open before the role begins, as in a command that was a little earlier.
  await access.request('GET', '/v1/incidents')
  await claimer(t, folder)
  const asked = access.request('PATCH', `/v1/incidents/${id}`, { state: 'triaged' })
  const seen: string[] = []
  await onSocket(t, folder, (request, response) => {
    seen.push(`${request.method} ${request.url} ${String(request.headers['x-portcullis-actor'])}`)
    request.resume()
    response.end('{"by":"the role"}')
  })
  t.equal(Buffer.from((await asked).body).toString(), '{"by":"the role"}')
  t.equal(seen.at(-1), `PATCH /v1/incidents/${id} ann`)
  await access.close()
})
