import { once, EventEmitter } from 'node:events'
import { setImmediate as immediate } from 'node:timers/promises'
import { pino } from 'pino'
import t from 'tap'
import { Schedule, scheduledScan } from '../../scanner/schedule.js'

const EVERY_SECOND = '* * * * * *'
const scan = (paths: string[], cron = EVERY_SECOND) => scheduledScan.parse({ cron, paths })

/** A log, and what it says as events. */
const spoken = () => {
  const said = new EventEmitter()
  const log = pino({}, { write: (line) => void said.emit((JSON.parse(line) as { msg: string }).msg) })
  return { said, log }
}

t.test('a scan runs at its times, never twice at once, and a failure is told', async (t) => {
  const steps = new EventEmitter()
  const { said, log } = spoken()
  const failed = once(said, 'a scheduled scan failed')
  let open = 0
  let most = 0
  const schedule = new Schedule(
    [scan(['/long']), scan(['/broken'])],
    async ({ paths }) => {
      if (paths[0] === '/broken') throw new Error('no such folder')
      most = Math.max(most, ++open)
      steps.emit('begun')
      await once(steps, 'go')
      open--
    },
    log,
  )
  await Promise.all([once(steps, 'begun'), failed])
  // What it was is kept behind the line in the log.
  await immediate()
  t.match(schedule.state, [
    { paths: ['/long'], running: true, next: Number },
    { paths: ['/broken'], last: { problem: 'no such folder' } },
  ])
  await once(said, 'a scheduled scan is left out, the one before still runs')
  const closed = schedule.close()
  steps.emit('go')
  await closed
  t.equal(most, 1)
  t.equal(open, 0)
})

t.test('what is no cron expression or time zone is refused with the reason', async (t) => {
  for (const cron of ['', 'soon', '61 * * * *', '* * * * * * *', '* * * *'])
    t.notOk(scheduledScan.safeParse({ cron, paths: ['/'] }).success, cron)
  t.notOk(scheduledScan.safeParse({ cron: '0 3 * * *', time_zone: 'Mars/Olympus', paths: ['/'] }).success)
  t.ok(scheduledScan.safeParse({ cron: '0 3 * * *', time_zone: 'Europe/Berlin', paths: ['/'] }).success)
})
