import t from 'tap'
import { ReportBuilder } from '../../../cli/scan/report.js'
import { reportPage } from '../../../cli/scan/report-page.js'
import type { FileResult } from '../../../scanner/verdict.js'

const result = (path: string, more: Partial<FileResult> = {}): FileResult => ({
  path,
  verdict: 'malicious',
  reasons: [{ engine: 'yara', rule: 'Some_Rule', level: 'malicious', member: 'a.zip!b' }],
  sha256: '0'.repeat(64),
  size: 1000,
  ms: 1,
  ...more,
})

t.test('a report counts, orders and stays bounded', async (t) => {
  const report = new ReportBuilder(['/srv'])
  report.add(
    result('/e', { verdict: 'error', reasons: [{ engine: 'file', rule: 'EACCES', level: 'error' }] }),
  )
  for (let i = 0; i < 6000; i++) report.add(result(`/f${i}`, { ms: i }))
  report.add(result('/clean', { verdict: 'clean', reasons: [] }))
  const data = report.finish()
  t.strictSame(data.counts, { malicious: 6000, suspicious: 0, error: 1, skipped: 0, clean: 1 })
  t.equal(data.rows.length, 5001, 'found files do not push out the errors')
  t.equal(data.rows.at(-1)?.path, '/e')
  t.equal(data.leftOut, 1000)
  t.strictSame(
    data.slowest.map(({ ms }) => ms),
    Array.from({ length: 10 }, (_, i) => 5999 - i),
  )
  t.strictSame(
    [...data.rules],
    [
      ['file: EACCES', 1],
      ['yara: Some_Rule', 6000],
    ],
  )
  t.match(reportPage(data), '1000 more had no room')
})

t.test('names cannot become markup, nor look like other names', async (t) => {
  const report = new ReportBuilder(['/srv/<b>'])
  report.add(
    result('/srv/"><script>alert(1)</script>\u001b[2J\u202egpj.exe', {
      reasons: [
        { engine: 'yara', rule: '<img src=x onerror=y>', level: 'malicious', member: '<i>', detail: "'&" },
      ],
    }),
  )
  const page = reportPage(report.finish())
  t.notMatch(page, /<script|<img|<i>|<b>/)
  for (const hidden of ['\u001b', '\u202e']) t.notOk(page.includes(hidden))
  t.match(page, '&lt;script&gt;')
  t.match(page, '\\u{202e}gpj.exe')
  t.notMatch(page, /(?:src|href)=["'h]/, 'nothing is loaded')
})

t.test('a scan that found nothing says so', async (t) => {
  t.match(reportPage(new ReportBuilder(['/srv']).finish()), 'Nothing was found')
})
