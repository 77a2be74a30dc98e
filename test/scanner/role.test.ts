import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { askDaemon } from '../../scanner/control/client.js'
import { Vault } from '../../scanner/quarantine/vault.js'
import { EICAR } from './sample-files.js'
import { clock, watching } from './watching.js'

t.test('what cannot be read is reported once, not by every pass', async (t) => {
  const base = t.testdir({ data: {}, tree: {} })
  const tree = join(base, 'tree')
  const missing = join(tree, 'missing')
  const { seen, until, stop } = await watching(join(base, 'data'), { watch: [missing, tree] })
  // Each new file is found by a pass of its own.
  for (const name of ['a', 'b', 'c']) {
    const path = join(tree, name)
    writeFileSync(path, EICAR)
    await until((of) => of.some((event) => event.path === path))
  }
  t.equal(seen.filter(({ path }) => path === missing).length, 1)
  t.equal(seen.length, 4, 'and what was found is reported once')
  await stop()
})

t.test('a file that could not be quarantined is tried again', async (t) => {
  const base = t.testdir({ data: {}, tree: {} })
  const tree = join(base, 'tree')
  const { folder, seen, until, stop } = await watching(join(base, 'data'), {
    watch: [tree],
    quarantine: true,
  })
  renameSync(join(folder, 'vault'), join(folder, 'away'))
  writeFileSync(join(tree, 'new'), EICAR)
  writeFileSync(join(tree, 'other'), EICAR)
  await until((of) => of.length === 2)
  t.ok(seen.every(({ quarantine }) => quarantine === undefined))
  renameSync(join(folder, 'away'), join(folder, 'vault'))
  await until((of) => of.length === 4)
  t.ok(seen.slice(2).every(({ quarantine }) => quarantine !== undefined))
  await stop()
})

t.test('a file that meets very many rules is recorded, quarantined and can be restored', async (t) => {
  const base = t.testdir({ data: {}, tree: {}, rules: {} })
  const rules = join(base, 'rules', 'many.yar')
  const long = 'r'.repeat(100)
  writeFileSync(
    rules,
    Array.from(
      { length: 900 },
      (_, i) => `rule ${long}${i} { strings: $a = "many-marker" condition: $a }`,
    ).join('\n'),
  )
  const path = join(base, 'tree', 'file')
  writeFileSync(path, 'many-marker')
  const { folder, seen, until, stop } = await watching(join(base, 'data'), {
    watch: [join(base, 'tree')],
    yara_rules: [rules],
    quarantine: true,
  })
  await until((of) => of.length > 0)
  const [event] = seen
  t.equal(event?.reasons.at(-1)?.rule, 'and 800 more')
  const vault = await Vault.open(folder, clock.now)
  mkdirSync(join(base, 'back'))
  const to = join(base, 'back', 'file')
  await vault.restore(event?.quarantine ?? '', { to })
  t.equal(readFileSync(to, 'utf8'), 'many-marker')
  await stop()
})

t.test('a pause stands over restarts, and what came meanwhile is judged after it', async (t) => {
  const base = t.testdir({ data: {}, tree: {} })
  const path = join(base, 'tree', 'new')
  const data = join(base, 'data')
  const config = { watch: [join(base, 'tree')], interval_seconds: 80_000 }
  const first = await watching(data, config)
  t.match(await askDaemon(first.folder, 'pause'), { paused_since: Number })
  writeFileSync(path, EICAR)
  await first.stop()
  t.equal(await askDaemon(first.folder, 'status'), undefined, 'nobody is there')
  const second = await watching(data, config)
  t.match(await askDaemon(second.folder, 'status'), {
    paused_since: Number,
    watch: { pass: { running: false } },
  })
  await t.rejects(watching(data, config), { code: 'LISTEN_FAILED' }, 'a second daemon of one folder')
  t.strictSame(second.seen, [])
  t.notHas(await askDaemon(second.folder, 'resume'), { paused_since: Number })
  await second.until((of) => of.some((event) => event.path === path))
  await second.stop()
})

t.test('rules that were loaded anew judge again what did not change', async (t) => {
  const rule = (word: string): string => `rule Marker { strings: $a = "${word}" condition: $a }`
  const base = t.testdir({ data: {}, tree: { file: 'a certain word' }, 'rules.yar': rule('another') })
  const { scanner, seen, until, stop } = await watching(join(base, 'data'), {
    watch: [join(base, 'tree')],
    yara_rules: [join(base, 'rules.yar')],
    interval_seconds: 80_000,
    builtin_rules: false,
  })
  const { version } = scanner.state.rules
  rmSync(join(base, 'rules.yar'))
  t.notOk(await scanner.reload())
  t.match(scanner.state, { rules: { version }, problems: { reload: /stay in force/ } })
  writeFileSync(join(base, 'rules.yar'), rule('certain'))
  t.ok(await scanner.reload())
  t.notHas(scanner.state.problems, { reload: String })
  await until((of) => of.length > 0)
  t.match(seen, [{ path: join(base, 'tree', 'file'), reasons: [{ rule: 'Marker' }] }])
  await stop()
})

t.test('a damaged archive is reported once, also over restarts', async (t) => {
  const base = t.testdir({ data: {}, tree: {} })
  const tree = join(base, 'tree')
  writeFileSync(join(tree, 'damaged.gz'), gzipSync('x'.repeat(99)).subarray(0, -12))
  const data = join(base, 'data')
  const config = { watch: [tree], interval_seconds: 80_000 }
  const first = await watching(data, config)
  await first.until((of) => of.length > 0)
  t.match(first.seen, [{ verdict: 'error', reasons: [{ rule: 'damaged_archive' }] }])
  await first.stop()
  writeFileSync(join(tree, 'new'), EICAR)
  const second = await watching(data, config)
  await second.until((of) => of.length > 0)
  t.strictSame(
    second.seen.map(({ path }) => path),
    [join(tree, 'new')],
  )
  await second.stop()
})
