import { writeFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { scannerConfig } from '../../scanner/config.js'
import { poolOptions } from '../../scanner/pool-options.js'
import { ScanPool } from '../../scanner/pool.js'
import { scanTree } from '../../scanner/scan-tree.js'
import type { FileResult } from '../../scanner/verdict.js'
import { EICAR, sampleFolder, sha256 } from './sample-files.js'

const scan = async (pool: ScanPool, paths: string[]): Promise<Map<string, FileResult>> => {
  const results = new Map<string, FileResult>()
  await scanTree(pool, paths, {}, (result) => {
    results.set(result.path, result)
  })
  return results
}

t.test('a folder with one of each gives exactly those verdicts', async (t) => {
  const { list, rules, tree } = sampleFolder(t.testdir())
  const config = scannerConfig.parse({ jobs: 2, hash_lists: [list], yara_rules: [rules] })
  const pool = await ScanPool.start(poolOptions(config))
  t.teardown(() => pool.close())
  const results = await scan(pool, [tree])
  const verdicts = Object.fromEntries(
    [...results].map(([path, { verdict, reasons }]) => [
      path.slice(tree.length + 1),
      [verdict, ...reasons.map((reason) => `${reason.engine}:${reason.rule}`)],
    ]),
  )
  t.strictSame(verdicts, {
    'eicar.com': ['malicious', 'hash:EICAR-Test-File', 'yara:EICAR_Test_File'],
    'listed.bin': ['malicious', 'hash:Listed.File'],
    'sub/marked.txt': ['malicious', 'yara:Marker'],
    'sub/odd.txt': ['suspicious', 'yara:Odd'],
    'clean.txt': ['clean'],
    empty: ['clean'],
    dangling: ['skipped', 'file:symbolic_link'],
    pipe: ['skipped', 'file:fifo'],
  })
  t.equal(results.get(join(tree, 'listed.bin'))?.sha256, sha256('a listed file'))
})

t.test('limits and failures are verdicts of their own, never clean', async (t) => {
  const folder = t.testdir({ big: 'x'.repeat(100), gone: '', secret: 'x' })
  const pool = await ScanPool.start(poolOptions(scannerConfig.parse({ jobs: 1, max_file_size: 99 })))
  t.teardown(() => pool.close())
  const big = await pool.judge(Buffer.from(join(folder, 'big')))
  t.match(big, { verdict: 'skipped', reasons: [{ engine: 'limit', rule: 'too_large' }] })
  const missing = await pool.judge(Buffer.from(join(folder, 'nothing')))
  t.match(missing, { verdict: 'error', reasons: [{ engine: 'file', rule: 'ENOENT' }] })
  const direct = await scan(pool, [join(folder, 'nothing')])
  t.match([...direct.values()], [{ verdict: 'error', reasons: [{ rule: 'ENOENT' }] }])
})

t.test('a name that is no UTF-8 is judged and told exactly', async (t) => {
  const folder = t.testdir()
  mkdirSync(join(folder, 'in'))
  const name = Buffer.concat([Buffer.from(join(folder, 'in') + '/'), Buffer.from([0x66, 0xff, 0xfe])])
  writeFileSync(name, 'odd name')
  const pool = await ScanPool.start(poolOptions(scannerConfig.parse({ jobs: 1 })))
  t.teardown(() => pool.close())
  const [result] = (await scan(pool, [join(folder, 'in')])).values()
  t.match(result, { verdict: 'clean', sha256: sha256('odd name'), path_base64: name.toString('base64') })
})

t.test(
  'a scan that does not end is killed at the deadline, and the files behind it are judged',
  async (t) => {
    const folder = t.testdir({
      'slow.yar':
        'rule Slow { condition: filesize == 7777 and for any i in (0..filesize * 100000) : ' +
        '(for any j in (0..filesize * 100000) : (i + j == -1)) }\n',
      slow: 'x'.repeat(7777),
      quick: 'x',
    })
    const config = scannerConfig.parse({
      jobs: 1,
      file_timeout_seconds: 1,
      yara_rules: [join(folder, 'slow.yar')],
    })
    const pool = await ScanPool.start(poolOptions(config))
    t.teardown(() => pool.close())
    const [slow, ...others] = await Promise.all([
      pool.judge(Buffer.from(join(folder, 'slow'))),
      ...Array.from({ length: 20 }, () => pool.judge(Buffer.from(join(folder, 'quick')))),
    ])
    t.match(slow, { verdict: 'error', reasons: [{ engine: 'limit', rule: 'timeout' }] })
    t.equal(others.filter((result) => result.verdict === 'clean').length, 20)
  },
)

t.test('closing answers every file that waits', async (t) => {
  const folder = t.testdir({ a: 'x' })
  const pool = await ScanPool.start(poolOptions(scannerConfig.parse({ jobs: 1 })))
  const waiting = Array.from({ length: 50 }, () => pool.judge(Buffer.from(join(folder, 'a'))))
  await pool.close()
  const verdicts = new Set((await Promise.all(waiting)).map((result) => result.verdict))
  t.notOk(verdicts.has('skipped'))
  t.match(await pool.judge(Buffer.from(join(folder, 'a'))), {
    verdict: 'error',
    reasons: [{ rule: 'pool_closed' }],
  })
})

t.test('a list that does not load is refused with file and line, a rule is left out and named', async (t) => {
  const folder = t.testdir({
    'bad.txt': `${'0'.repeat(64)} fine\nnot-a-hash\n`,
    'bad.yar': 'rule Good { condition: false }\nrule Bad { condition: $missing }\n',
  })
  const start = (config: object) => ScanPool.start(poolOptions(scannerConfig.parse({ jobs: 1, ...config })))
  await t.rejects(start({ hash_lists: [join(folder, 'bad.txt')] }), {
    code: 'SCAN_HASH_LIST',
    message: /bad\.txt:2: "not-a-hash"/,
  })
  await t.rejects(start({ yara_rules: [join(folder, 'none.yar')] }), {
    code: 'SCAN_YARA_RULES',
    message: /none\.yar/,
  })
  const pool = await start({ yara_rules: [join(folder, 'bad.yar')] })
  t.match(pool.loaded?.yara, {
    engine: 'native',
    problems: [{ file: join(folder, 'bad.yar'), line: 2, rule: 'Bad', message: /missing/ }],
  })
  await pool.close()
  await t.rejects(start({ hash_lists: [join(folder, 'none.txt')] }), {
    code: 'SCAN_HASH_LIST',
    message: /none\.txt/,
  })
})

const pieces = async function* (...of: readonly string[]): AsyncGenerator<Buffer> {
  for (const piece of of) yield Buffer.from(piece)
}

t.test('a content that is no file is judged like one, whatever its size', async (t) => {
  const pool = await ScanPool.start(poolOptions(scannerConfig.parse({ jobs: 1, max_file_size: 3_000_000 })))
  t.teardown(() => pool.close())
  const found = { path: 'upload', verdict: 'malicious' }
  t.match(await pool.judgeContent(Buffer.from(EICAR), 'upload'), found)
  t.match(
    await pool.judgeContent(pieces(EICAR.slice(0, 9), EICAR.slice(9)), 'upload', { priority: 'demand' }),
    found,
  )
  const filler = ' '.repeat(900_000)
  t.match(await pool.judgeContent(pieces(filler, filler, EICAR), 'upload'), { ...found, size: 1_800_068 })
  t.match(await pool.judgeContent(pieces(filler, filler, filler, filler), 'upload'), {
    verdict: 'skipped',
    reasons: [{ rule: 'too_large' }],
  })
  t.match(await pool.judgeContent(new Uint8Array(), 'upload'), { verdict: 'clean', size: 0 })
  const broken = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.from(filler)
    yield Buffer.from(filler)
    throw new Error('reset')
  }
  await t.rejects(pool.judgeContent(broken(), 'upload'), { message: 'reset' })
})

t.test('rules can be changed while files are judged, and a bad change leaves the old ones', async (t) => {
  const folder = t.testdir({
    'one.yar': 'rule One { strings: $a = "marker" condition: $a }',
    'two.yar': 'rule Two { strings: $a = "marker" condition: $a }',
    file: 'a marker',
  })
  const file = Buffer.from(join(folder, 'file'))
  const withRules = (name: string) =>
    poolOptions(scannerConfig.parse({ jobs: 2, builtin_rules: false, yara_rules: [join(folder, name)] }))
  const pool = await ScanPool.start(withRules('one.yar'))
  t.teardown(() => pool.close())
  const before = Array.from({ length: 300 }, () => pool.judge(file))
  await pool.reload(withRules('two.yar'))
  t.ok((await Promise.all(before)).every((result) => result.verdict === 'malicious'))
  t.match(await pool.judge(file), { reasons: [{ rule: 'Two' }] })
  await t.rejects(pool.reload(withRules('none.yar')), { code: 'SCAN_YARA_RULES' })
  t.match(await pool.judge(file), { reasons: [{ rule: 'Two' }] })
})

t.test('what somebody waits for goes before what can wait', async (t) => {
  const folder = t.testdir({ file: 'x' })
  const file = Buffer.from(join(folder, 'file'))
  const pool = await ScanPool.start(poolOptions(scannerConfig.parse({ jobs: 1 })))
  t.teardown(() => pool.close())
  let done = 0
  const others = Array.from({ length: 1000 }, () => pool.judge(file).then(() => done++))
  await pool.judge(file, { priority: 'demand' })
  t.ok(done < 500, `${done} others were before it`)
  await Promise.all(others)
})
