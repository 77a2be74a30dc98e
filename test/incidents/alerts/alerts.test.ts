import { once, EventEmitter } from 'node:events'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openAlerts } from '../../../incidents/alerts/alerts.js'
import { quietUntil } from '../../../incidents/alerts/quiet-hours.js'
import { passes } from '../../../incidents/alerts/filter.js'
import { alertsConfig } from '../../../incidents/alerts/config.js'
import { WorkQueue } from '../../../incidents/work/queue.js'
import { alertReceiver, ANSWERS } from '../fakes/alert-receiver.js'
import { openIncident, openTestCore, silent, somebody } from '../fixtures/core.js'
import { incident } from './samples.js'

process.env['ALERTS_TEST_SECRET'] = 'a secret'

const start = async (t: Test, more: object = {}, others: object[] = []) => {
  const receiver = await alertReceiver(t, ANSWERS.webhook)
  const clock = { time: Date.UTC(2026, 0, 5, 12), now: () => clock.time }
  const ended = new EventEmitter()
  const core = await openTestCore(t, {
    folder: join(t.testdir(), 'incidents'),
    clock,
    config: {
      alerts: [
        { name: 'hook', type: 'webhook', url: receiver.url, secret: 'env:ALERTS_TEST_SECRET', ...more },
        ...others,
      ],
      outbound: { allow: ['127.0.0.0/8'] },
    },
  })
  const alerts = await openAlerts({ core, log: silent }, () => undefined)
  if (alerts.reaction) core.addReaction(alerts.reaction)
  const queue = new WorkQueue({
    store: core.store,
    now: clock.now,
    log: silent,
    stepped: () => void ended.emit('attempt'),
  })
  alerts.register?.(queue)
  queue.start()
  t.teardown(async () => {
    await queue.stop()
    await alerts.close?.()
    await core.store.close()
  })
  /** What was announced: events of single messages, counts of digests. */
  const told = () =>
    receiver.received.map(({ json }) => {
      const { event, digest } = json as { event: string; digest?: { count: number; incidents: number } }
      return digest ? `${digest.count} of ${digest.incidents}` : event
    })
  const wake = (): void => queue.wake()
  const announce = async (more: Parameters<typeof openIncident>[1] = {}) => {
    const made = await openIncident(core, more)
    wake()
    return made
  }
  const idle = async (): Promise<void> => {
    while ([...core.store.work.list()].some(({ state, due }) => state === 'waiting' && due <= clock.time)) {
      wake()
      await once(ended, 'attempt')
    }
  }
  const kinds = (id: string): string[] => core.store.timeline.list(id, 0, 100).map(({ kind }) => kind)
  return { core, queue, receiver, clock, told, announce, idle, kinds, wake, alerts }
}

t.test(
  'what a throttle holds back is counted in the next message, and recorded on each incident',
  async (t) => {
    const { announce, idle, told, clock, kinds } = await start(t, { throttle: { messages: 2, seconds: 60 } })
    const made = []
    for (let n = 0; n < 30; n++) made.push(await announce({ severity: n === 29 ? 'critical' : 'high' }))
    await idle()
    t.strictSame(told(), ['incident.opened', 'incident.opened'])
    clock.time += 60_000
    await idle()
    t.strictSame(told(), ['incident.opened', 'incident.opened', '28 of 28'])
    for (const { id } of made) t.ok(kinds(id).includes('incident.announced'))
  },
)

t.test('a digest tells everything together, but what is critical at once', async (t) => {
  const { core, announce, idle, told, clock, wake } = await start(t, { digest: { minutes: 10 } })
  const first = await announce()
  await core.change(() => core.lifecycle.setState(first.id, 'resolved', somebody))
  await announce({ severity: 'critical' })
  await announce()
  await idle()
  t.strictSame(told(), ['incident.opened'])
  clock.time += 599_000
  wake()
  await idle()
  t.equal(told().length, 1, 'not before its time')
  clock.time += 1000
  await idle()
  t.strictSame(told(), ['incident.opened', '3 of 2'])
})

t.test('in quiet hours only what is critical is told; the rest when they end', async (t) => {
  const quiet_hours = { from: '11:00', to: '13:30', zone: 'UTC' }
  const { announce, idle, told, clock } = await start(t, { quiet_hours })
  await announce()
  await announce({ severity: 'critical' })
  await idle()
  t.strictSame(told(), ['incident.opened'])
  clock.time = Date.UTC(2026, 0, 5, 13, 30)
  await idle()
  t.strictSame(told(), ['incident.opened', 'incident.opened'])
})

t.test('quiet hours follow the clock of their zone, over midnight and to summer time', async (t) => {
  const hours = { from: '22:00', to: '07:00', zone: 'Europe/Berlin', except: 'critical' } as const
  t.equal(quietUntil(hours, Date.UTC(2026, 6, 1, 12)), undefined)
  t.equal(quietUntil(hours, Date.UTC(2026, 6, 1, 20)), Date.UTC(2026, 6, 2, 5), '22:00 in summer')
  t.equal(quietUntil(hours, Date.UTC(2026, 0, 2, 5, 59)), Date.UTC(2026, 0, 2, 6))
  t.equal(quietUntil(hours, Date.UTC(2026, 0, 2, 6)), undefined)
  t.equal(quietUntil(hours, Date.UTC(2026, 2, 28, 23)), Date.UTC(2026, 2, 29, 5), 'a shorter night')
})

t.test('one recipient who refuses keeps no other from his message', async (t) => {
  process.env['ALERTS_TEST_TOKEN'] = '1:a'
  const bot = await alertReceiver(t, ANSWERS.telegram)
  bot.faults.push({ status: 403, json: { ok: false, error_code: 403, description: 'bot was kicked' } })
  const chats = [1, 2]
  const other = { name: 'bot', type: 'telegram', api_base: bot.url, token: 'env:ALERTS_TEST_TOKEN', chats }
  const { core, announce, idle, kinds, queue } = await start(t, {}, [other])
  const { id } = await announce()
  await idle()
  t.match(bot.received, [{ json: { chat_id: '2' } }])
  const dead = [...core.store.work.list()]
  t.match(dead, [{ kind: 'alert', target: 'bot', state: 'dead', attempt: 1, last_error: /bot was kicked/ }])
  t.ok(kinds(id).includes('incident.alert_failed'))
  const [letter] = dead
  if (!letter) return
  await core.change(() => core.store.work.put({ ...letter, state: 'waiting', due: core.now() }))
  queue.revive(letter.id)
  await idle()
  t.match(
    bot.received,
    [{ json: { chat_id: '2' } }, { json: { chat_id: '1' } }],
    'a dead letter is sent again',
  )
})

t.test('a rate limit is waited out and is no failure', async (t) => {
  const { receiver, announce, idle, told, clock, core } = await start(t, { max_attempts: 1 })
  receiver.faults.push({ status: 429, headers: { 'retry-after': '30' } })
  await announce()
  await idle()
  t.match([...core.store.work.list()], [{ state: 'waiting', due: clock.time + 30_000 }])
  clock.time += 30_000
  await idle()
  t.strictSame(told(), ['incident.opened'])
})

t.test('attempts that were told to wait do not use up the attempts of a channel', async (t) => {
  const { receiver, announce, idle, told, clock } = await start(t, { max_attempts: 2 })
  const wait = { status: 429, headers: { 'retry-after': '30' } }
  receiver.faults.push(wait, wait, wait, { status: 500 })
  await announce()
  for (let attempt = 0; attempt < 5; attempt++) {
    await idle()
    clock.time += 30_000
  }
  t.strictSame(told(), ['incident.opened'])
})

t.test('a filter looks at severity, change, site, kind and subject', async (t) => {
  const check = (filter: object, change: 'opened' | 'resolved' = 'opened'): boolean => {
    const [config] = alertsConfig.parse([
      { name: 'a', type: 'webhook', url: 'http://x', secret: 'env:X', filter },
    ])
    return passes(config!.filter, change, incident())
  }
  t.ok(check({}))
  t.notOk(check({ min_severity: 'critical' }))
  t.ok(check({ events: ['opened'] }))
  t.notOk(check({ events: ['opened'] }, 'resolved'))
  t.ok(check({ sites: ['shop'] }))
  t.notOk(check({ sites: ['blog'] }))
  t.ok(check({ kinds: ['security.verdict'] }))
  t.notOk(check({ kinds: ['scan.verdict'] }))
  t.ok(check({ subjects: ['url', 'file'] }))
  t.notOk(check({ subjects: ['file'] }))
})

t.test('what a playbook announces passes no filter, and what it escalates no throttle', async (t) => {
  const { core, announce, idle, told, alerts, wake } = await start(t, {
    filter: { min_severity: 'critical' },
    throttle: { messages: 1, seconds: 60 },
  })
  const made = await announce()
  await core.change(() => {
    for (const event of ['incident.contain', 'incident.contain', 'incident.escalated'])
      alerts.notify(made, 'hook', event)
  })
  wake()
  await idle()
  t.strictSame(told(), ['incident.contain', 'incident.escalated'])
})
