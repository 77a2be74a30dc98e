import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
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
  t.equal(event?.reasons.at(-1)?.rule, 'and 101 more')
  const vault = await Vault.open(folder, clock.now)
  mkdirSync(join(base, 'back'))
  const to = join(base, 'back', 'file')
  await vault.restore(event?.quarantine ?? '', { to })
  t.equal(readFileSync(to, 'utf8'), 'many-marker')
  await stop()
})
