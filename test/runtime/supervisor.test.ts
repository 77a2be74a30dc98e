import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'

import { ROLE_ENTRY, setup } from './fixtures/supervised.js'

const PARENT = fileURLToPath(new URL('./fixtures/supervisor.js', import.meta.url))

void t.test('starts in order, each once the one before serves, and stops in reverse', async (t) => {
  const { supervisor, journal, role } = setup(t, { ledger: 'http', incidents: 'http', gateway: 'http' })
  await supervisor.start()
  t.strictSame(journal(), ['ledger started', 'incidents started', 'gateway started'])
  t.type(role('gateway').info.port, 'number')
  t.equal(role('gateway').info.pid, role('gateway').pid)
  await supervisor.stop()
  t.strictSame(journal().slice(3), [
    'gateway stopping',
    'gateway stopped',
    'incidents stopping',
    'incidents stopped',
    'ledger stopping',
    'ledger stopped',
  ])
})

void t.test('a first start that fails says why and stops those that came up', async (t) => {
  const { supervisor, journal, role } = setup(t, { ledger: 'http', gateway: 'fail' })
  await t.rejects(supervisor.start(), {
    code: 'ROLE_NOT_READY',
    message: 'gateway did not start: LISTEN_FAILED: the port is taken',
  })
  t.strictSame(journal(), ['ledger started', 'ledger stopping', 'ledger stopped'])
  t.equal(role('ledger').state, 'stopped')
})

void t.test('kills a role that never becomes ready', async (t) => {
  const { supervisor } = setup(t, { gateway: 'silent' }, { ready_seconds: 1.5 })
  await t.rejects(supervisor.start(), { code: 'ROLE_NOT_READY', message: /not ready after 1\.5 s/ })
})

void t.test('kills a role that does not stop in time', async (t) => {
  const { supervisor, journal, lines, role } = setup(t, { gateway: 'stuck' }, { stop_seconds: 0.2 })
  await supervisor.start()
  await supervisor.stop()
  t.strictSame(journal(), ['gateway started', 'gateway stopping'])
  t.match(lines.join(''), /did not stop in time and is killed/)
  t.equal(role('gateway').state, 'stopped')
})

void t.test('requests in flight are finished before the role ends', async (t) => {
  const { supervisor, role, journal } = setup(t, { gateway: 'http' })
  await supervisor.start()
  const answer = fetch(`http://127.0.0.1:${String(role('gateway').info.port)}/held`)
  while (!journal().includes('gateway request /held')) await new Promise(setImmediate)
  await supervisor.stop()
  t.equal(await (await answer).text(), 'done')
  t.equal(journal().at(-1), 'gateway stopped')
})

void t.test('tells failing checks and joins the metrics of all roles', async (t) => {
  const { supervisor } = setup(t, { ledger: 'http', gateway: 'sick' })
  await supervisor.start()
  t.strictSame(await supervisor.problems(), { 'gateway.disk': 'it is full' })
  t.equal(await supervisor.metrics(), '# TYPE up gauge\nup{role="ledger"} 1\nup{role="gateway"} 1\n')
})

void t.test('all roles end when the supervisor is killed', async (t) => {
  const journal = join(t.testdir({}), 'journal')
  const parent = fork(PARENT, [ROLE_ENTRY, journal], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  if (!parent.stdout || !parent.stderr) throw new Error('no pipe')
  parent.stderr.resume()
  const [line] = await once(createInterface({ input: parent.stdout }), 'line')
  const pids: number[] = JSON.parse(line)
  t.equal(pids.length, 2)
  // The roles hold the pipe of the supervisor's standard error: it closes when the last of them is gone.
  const gone = once(parent.stderr, 'close')
  parent.kill('SIGKILL')
  await gone
  const lines = readFileSync(journal, 'utf8').split('\n')
  t.ok(lines.includes('a stopped') && lines.includes('b stopped'), 'they stopped in an orderly way')
})
