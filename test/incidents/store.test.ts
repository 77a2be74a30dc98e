import { execFileSync } from 'node:child_process'
import t from 'tap'

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
