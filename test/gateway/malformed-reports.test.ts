import t from 'tap'

import type { MalformedReport } from '../../gateway/malformed-reports.js'
import { MalformedReports } from '../../gateway/malformed-reports.js'

t.test('a flood becomes a bounded number of reports with exact counts', (t) => {
  const reports: MalformedReport[] = []
  const gathered = new MalformedReports((report) => reports.push(report))
  for (let round = 0; round < 3; round++)
    for (let client = 0; client < 1000; client++)
      gathered.add({ client: `192.0.2.${client}`, reason: 'invalid_method', listener: 'node', count: 1 })
  gathered.flush()
  t.equal(reports.length, 257)
  t.equal(
    reports.reduce((sum, { count }) => sum + count, 0),
    3000,
  )
  t.equal(reports.at(-1)?.reason, 'several')
  gathered.flush()
  t.equal(reports.length, 257, 'nothing is reported twice')
  t.end()
})

t.test('a single one is reported by itself, soon', (t) => {
  const gathered = new MalformedReports((report) => {
    t.same(report, { client: 'a', reason: 'r', listener: 'uws', count: 2 })
    clearInterval(alive)
    t.end()
  })
  // The report's own timer does not keep a process alive.
  const alive = setInterval(() => undefined, 1000)
  gathered.add({ client: 'a', reason: 'r', listener: 'uws', count: 2 })
})
