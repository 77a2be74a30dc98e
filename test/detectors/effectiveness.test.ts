import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

import { browsingSession } from './browsing-session.js'
import { type SetUp, engineOf, requestSets, tally } from './effectiveness.js'
import { corpusFolder } from './injection/corpus.js'

// The figures of all lines are in docs/SECLANG.md; here the long file is thinned out to keep the test short.
const STEP = 10
const ATTACKS_PERCENT: Readonly<Record<SetUp, number>> = {
  'our packs': 99.6,
  'our packs and CRS': 99.7,
  'CRS alone': 99.7,
}
const HARMLESS_REFUSED: Readonly<Record<SetUp, readonly [falsePositives: number, browsing: number]>> = {
  'our packs': [0, 0],
  'our packs and CRS': [19, 6],
  'CRS alone': [19, 6],
}

t.test('the browsing session is of a size that means something', async (t) => {
  t.ok(browsingSession().length >= 80)
})

t.test('our packs let the browsing session through', async (t) => {
  const { refused, total } = tally(engineOf('our packs'), browsingSession())
  t.ok(refused <= HARMLESS_REFUSED['our packs'][1], `${refused} of ${total} refused`)
})

const folder = corpusFolder()
const ready = folder !== undefined && existsSync(join(folder, '../../crs/rules'))
for (const setUp of ['our packs', 'our packs and CRS', 'CRS alone'] as const)
  t.test(
    `attacks are refused and the harmless is let through: ${setUp}`,
    { skip: !ready && 'skipped: no data' },
    async (t) => {
      const engine = engineOf(setUp)
      let [refused, total] = [0, 0]
      for (const [name, requests] of requestSets(folder ?? '')) {
        const attack = name.startsWith('sqli-') || name.startsWith('xss-')
        const result = tally(
          engine,
          requests.length > 1000 ? requests.filter((_, index) => index % STEP === 0) : requests,
        )
        if (attack) {
          refused += result.refused
          total += result.total
          t.ok(result.refused / result.total >= 0.98, `${name}: ${result.refused} of ${result.total}`)
        } else {
          const most = HARMLESS_REFUSED[setUp][name === 'browsing session' ? 1 : 0]
          t.ok(result.refused <= most, `${name}: ${result.refused} of ${result.total} refused`)
        }
      }
      t.ok(total > 2500, `${total} attacks`)
      const percent = (refused / total) * 100
      t.ok(percent >= ATTACKS_PERCENT[setUp], `${percent.toFixed(2)} % of ${total} attacks`)
    },
  )

t.test(
  'with a few exclusions the browsing session passes the Core Rule Set too, and attacks on its editor do not',
  { skip: !ready && 'skipped: no data' },
  async (t) => {
    const engine = engineOf('our packs and CRS', true)
    const { refused, total } = tally(engine, browsingSession())
    t.equal(refused, 0, `${refused} of ${total} refused`)
    const attack = {
      method: 'POST',
      target: '/cms/pages/12/edit?body=<img src=x onerror=alert(1)>',
      headers: [],
    }
    t.equal(engine.judge(attack).verdict.action, 'block')
  },
)
