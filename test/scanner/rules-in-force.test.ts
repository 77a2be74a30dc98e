import { once, EventEmitter } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import t from 'tap'
import { scannerConfig } from '../../scanner/config.js'
import { Journal } from '../../scanner/journal.js'
import { ScanPool } from '../../scanner/pool.js'
import { RulesInForce } from '../../scanner/rules-in-force.js'

t.test(
  'a changed rule file is taken over without being told, and a broken one shows on every verdict',
  async (t) => {
    const rule = (word: string): string => `rule Marker { strings: $a = "${word}" condition: $a }\n`
    const base = t.testdir({ data: {}, rules: { 'a.yar': rule('one') } })
    const config = scannerConfig.parse({ jobs: 1, yara_rules: [join(base, 'rules')], builtin_rules: false })
    const rules = await RulesInForce.find({
      config,
      folder: join(base, 'data'),
      product: '1',
      now: Date.now,
      log: pino({ level: 'silent' }),
      lookMs: 50,
    })
    const pool = await ScanPool.start(rules.options)
    const journal = Journal.open(join(base, 'data'), rules.version)
    const changes = new EventEmitter()
    rules.follow(pool, journal, () => changes.emit('changed'))
    t.strictSame(rules.problems(), {})
    const before = rules.version
    let changed = once(changes, 'changed')
    writeFileSync(join(base, 'rules', 'a.yar'), rule('two'))
    await changed
    t.not(rules.version, before)
    t.match(await pool.judgeContent(Buffer.from('two'), 'x'), { verdict: 'malicious' })
    changed = once(changes, 'changed')
    writeFileSync(join(base, 'rules', 'b.yar'), 'rule Broken { condition: nothing }')
    await changed
    t.match(rules.problems(), { rules: /^1 rules or rule files are not loaded.*b\.yar/ })
    t.match(await pool.judgeContent(Buffer.from('clean'), 'x'), {
      verdict: 'clean',
      reasons: [{ engine: 'limit', rule: 'rules_problem', level: 'note', detail: /b\.yar/ }],
    })
    await rules.close()
    await pool.close()
    await journal.close()
  },
)

t.test('signatures that are asked for and not there are a problem', async (t) => {
  const key = `ed25519:${Buffer.alloc(32, 1).toString('base64')}`
  const config = scannerConfig.parse({ signature_keys: [key] })
  const rules = await RulesInForce.find({
    config,
    folder: t.testdir({}),
    product: '1',
    now: Date.now,
    log: pino({ level: 'silent' }),
  })
  t.match(rules.problems(), { signatures: /no signatures are installed/ })
})
