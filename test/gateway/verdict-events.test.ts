import t from 'tap'

import { VerdictEvents } from '../../gateway/verdict-events.js'
import { writeRecord } from '../../gateway/written-record.js'
import type { SecurityVerdictEvent } from '../../runtime/events.js'
import { blockedRecord } from './fixtures/recording.js'

const setUp = () => {
  const published: SecurityVerdictEvent[] = []
  let lost = 0
  const events = new VerdictEvents(
    (event) => published.push(event),
    (count) => (lost += count),
  )
  const add = (client: string, site = 'default'): boolean =>
    events.add(writeRecord(blockedRecord(1_700_000_000_000, { client, site }), 1_700_000_000_000), undefined)
  const total = (): number => published.reduce((sum, { data }) => sum + (data.count ?? 1), 0)
  return { events, published, add, total, lost: () => lost }
}

t.test('few verdicts are told one by one', async (t) => {
  const { events, published, add } = setUp()
  for (let i = 0; i < 200; i++) t.ok(add('192.0.2.1'))
  events.flush()
  t.equal(published.length, 200)
  t.match(published[0], {
    type: 'security.verdict',
    severity: 'high',
    data: { client: '192.0.2.1', rule: 941100, msg: 'XSS', path: '/', rules: [941100] },
  })
  t.notOk('count' in (published[0]?.data ?? {}))
})

t.test('a flood is told with exact counts, by client', async (t) => {
  const { events, published, add, total } = setUp()
  for (let i = 0; i < 5000; i++) add(`192.0.2.${i % 3}`)
  events.flush()
  t.equal(published.length, 203)
  t.equal(total(), 5000)
  t.same(
    published.slice(200).map(({ data }) => [data.client, data.count]),
    [
      ['192.0.2.2', 1600],
      ['192.0.2.0', 1600],
      ['192.0.2.1', 1600],
    ],
  )
})

t.test(
  'more clients than are told apart are told together, more matters than that are counted as lost',
  async (t) => {
    const { events, published, add, total, lost } = setUp()
    for (let i = 0; i < 10_000; i++) add(`198.51.100.${i}`, `s${i % 10}`)
    for (let i = 0; i < 3000; i++) add('192.0.2.1', `t${i}`)
    events.flush()
    t.ok(published.length <= 200 + 2000)
    t.equal(published.filter(({ data }) => data.client === '').length, published.length - 700)
    t.equal(total() + lost(), 13_000)
    t.ok(lost() > 0)
  },
)
