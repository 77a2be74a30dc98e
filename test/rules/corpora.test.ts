import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

import { Site } from '../detectors/site.js'

const data = process.env['PORTCULLIS_TEST_DATA']
// Of a long file every tenth line is judged here; the whole takes minutes.
const MANY = 1500

t.test('the packs find what public corpora hold', async (t) => {
  if (data === undefined) return t.plan(0, 'skipped: no data')
  const site = new Site()
  const folder = join(data, 'corpora/libinjection')
  let attacks = 0
  let found = 0
  let harmless = 0
  let refused = 0
  for (const name of readdirSync(folder)
    .filter((file) => file.endsWith('.txt'))
    .toSorted()) {
    let lines = readFileSync(join(folder, name), 'latin1')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
    if (lines.length > MANY) lines = lines.filter((_, i) => i % 10 === 0)
    let blocked = 0
    for (const line of lines) {
      // The corpora are URL-encoded, but not all of what a query string cannot hold.
      const value = line.replace(/[\s#&]/g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
      if (site.judge({ target: `/?q=${value}` }).verdict.action === 'block') blocked++
    }
    t.comment(`${name}: ${blocked} of ${lines.length}`)
    if (name === 'false_positives.txt') {
      harmless += lines.length
      refused += blocked
    } else {
      attacks += lines.length
      found += blocked
    }
  }
  t.ok(attacks > 2500, `${attacks} attacks ran`)
  t.ok(harmless > 400, `${harmless} harmless values ran`)
  t.ok(found / attacks > 0.97, `recall ${found} of ${attacks}`)
  t.ok(refused / harmless < 0.015, `false positives ${refused} of ${harmless}`)
})
