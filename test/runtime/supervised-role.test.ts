import t from 'tap'

import { setup } from './fixtures/supervised.js'

const kill = (pid: number | undefined) => {
  if (pid !== undefined) process.kill(pid, 'SIGKILL')
}

void t.test('starts a role again that ended, and leaves the others alone', async (t) => {
  const { supervisor, role, reports, reported } = setup(t, { ledger: 'http', gateway: 'http' })
  await supervisor.start()
  const ledger = role('ledger').pid
  const gateway = role('gateway').pid
  kill(gateway)
  await reported('ROLE_RESTARTED')
  t.equal(role('ledger').pid, ledger)
  t.not(role('gateway').pid, gateway)
  t.match(reports, [
    ['gateway', 'ROLE_ENDED', /ended by SIGKILL; it is started again in 0\.05 s/],
    ['gateway', 'ROLE_RESTARTED', /serves again/],
  ])
})

void t.test('waits longer with each end, up to the limit', async (t) => {
  const { supervisor, role, lines, reported } = setup(t, { gateway: 'http' }, { max_back_off_seconds: 0.15 })
  await supervisor.start()
  for (let round = 1; round <= 3; round++) {
    kill(role('gateway').pid)
    await reported('ROLE_RESTARTED', round)
  }
  const waits = lines
    .map((line) => JSON.parse(line).restart_seconds)
    .filter((seconds) => seconds !== undefined)
  t.strictSame(waits, [0.05, 0.1, 0.15])
})

void t.test('starts from the first wait again after a role served long enough', async (t) => {
  const { supervisor, role, lines, reported } = setup(t, { gateway: 'http' }, { stable_seconds: 0.001 })
  await supervisor.start()
  for (let round = 1; round <= 2; round++) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    kill(role('gateway').pid)
    await reported('ROLE_RESTARTED', round)
  }
  const waits = lines
    .map((line) => JSON.parse(line).restart_seconds)
    .filter((seconds) => seconds !== undefined)
  t.strictSame(waits, [0.05, 0.05])
})

void t.test('a stop while a role waits for its restart is final', async (t) => {
  const { supervisor, role, reported, journal } = setup(t, { gateway: 'http' }, { back_off_seconds: 30 })
  await supervisor.start()
  kill(role('gateway').pid)
  await reported('ROLE_ENDED')
  t.equal(role('gateway').state, 'waiting')
  t.strictSame(await supervisor.problems(), { gateway: 'it is waiting' })
  await supervisor.stop()
  t.strictSame(journal(), ['gateway started'])
})
