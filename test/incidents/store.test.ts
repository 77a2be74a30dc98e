import { execFileSync } from 'node:child_process'
import t from 'tap'

import type { Incident } from '../../incidents/incident.js'
import { IncidentStore } from '../../incidents/store.js'

t.test('a full disk refuses a transaction and ends nothing', async (t) => {
  // A limit on the size of files stands for a disk without room.
  const script = `const { execFileSync } = await import('node:child_process')
    const { IncidentStore } = await import(${JSON.stringify(new URL('../../incidents/store.js', import.meta.url).href)})
    let refused = 0
    let unhandled = 0
    process.on('SIGXFSZ', () => undefined)
    process.on('unhandledRejection', () => unhandled++)
    const store = await IncidentStore.open(${JSON.stringify(t.testdir({}))})
    // A write that never settles must end in an answer, not in a process with nothing left to do.
    const within = (work) => Promise.race([work, new Promise((resolve) => setTimeout(resolve, 4000))])
    execFileSync('prlimit', ['--fsize=100000', '--pid', String(process.pid)])
    const put = (at) => store.put({ id: 'incident-' + at, fingerprint: 'f' + at, pad: 'x'.repeat(9000) })
    for (let at = 0; at < 30; at++) await within(store.transaction(() => put(at)).catch(() => refused++))
    await new Promise((resolve) => setTimeout(resolve, 100))
    const { writeSync } = await import('node:fs')
    writeSync(1, JSON.stringify({ refused: refused > 0, unhandled }))
    process.exit(0)`
  const out = execFileSync(process.execPath, [...process.execArgv, '--input-type=module', '-e', script], {
    stdio: 'pipe',
  })
  t.same(JSON.parse(out.toString()), { refused: true, unhandled: 0 })
})

t.test('a transaction reads what it put, and leaves nothing when it fails', async (t) => {
  const store = await IncidentStore.open(t.testdir({}))
  const incident = (id: string, count: number): Incident => ({
    id,
    fingerprint: 'f',
    title: 'A title',
    severity: 'low',
    state: 'open',
    count,
    first_seen: 1,
    last_seen: 2,
    evidence: [],
    issues: [],
  })
  const counts = () => [...store.list()].map(({ id, count }) => `${id} ${count}`)
  await store.transaction(() => {
    store.put(incident('a', 1))
    store.route('f', 'a')
    store.put(incident('a', 2))
    t.same([store.get('a')?.count, store.latest('f')?.count], [2, 2])
    t.same(counts(), ['a 2'])
    store.put(incident('a', 3))
    store.put(incident('b', 1))
    t.same(counts(), ['b 1', 'a 3'])
  })
  t.same(counts(), ['b 1', 'a 3'])
  const failing = store.transaction(() => {
    store.put(incident('a', 4))
    store.put(incident('c', 1))
    t.same(counts(), ['c 1', 'b 1', 'a 4'])
    throw new Error('no')
  })
  await t.rejects(failing, { message: 'no' })
  t.same(counts(), ['b 1', 'a 3'])
  t.throws(() => store.put(incident('d', 1)), { code: 'INCIDENT_STORE' })
  await store.transaction(() => t.equal(store.get('a')?.count, 3))
  await store.close()
})
