import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Journal } from '../../../scanner/journal.js'
import { survey } from '../../../scanner/watch/survey.js'

t.test('a walk in another process tells what is not known, and what is gone', async (t) => {
  const base = t.testdir({ data: {}, tree: { a: 'x', sub: { b: 'y' } }, own: { c: 'z' } })
  const tree = join(base, 'tree')
  const journal = Journal.open(join(base, 'data'), 'v')
  t.teardown(() => journal.close())
  const bytes = Buffer.from([0x66, 0xff])
  writeFileSync(Buffer.concat([Buffer.from(`${tree}/`), bytes]), '')
  symlinkSync('a', join(tree, 'link'))
  const look = async (starts: readonly string[], { all = false, prune = false, version = 'v' } = {}) => {
    const files: string[] = []
    const folders: string[] = []
    const gone: string[] = []
    for await (const met of survey({
      starts: starts.map((start) => Buffer.from(start)),
      except: Buffer.from(join(base, 'own')),
      journal: join(base, 'data'),
      version,
      all,
      prune,
      signal: new AbortController().signal,
      onFolders: (some) => folders.push(...some.map(({ path }) => Buffer.from(path).toString('latin1'))),
      onGone: (path) => gone.push(path.toString()),
      onProgress: () => undefined,
    }))
      files.push(
        met.kind === 'file' ? met.path.toString('latin1') : `${met.reason.rule} ${met.path.toString()}`,
      )
    return { files: files.sort(), folders: folders.sort(), gone }
  }
  const all = [join(tree, 'a'), `${tree}/${bytes.toString('latin1')}`, join(tree, 'sub', 'b')].sort()
  t.strictSame(await look([tree]), { files: all, folders: [tree, join(tree, 'sub')], gone: [] })
  t.strictSame(
    (await look([join(tree, 'a'), join(base, 'none'), join(tree, 'link')])).files,
    [`ELOOP ${join(tree, 'link')}`, `ENOENT ${join(base, 'none')}`, join(tree, 'a')].sort(),
  )
  t.notOk(
    (await look([base])).files.some((path) => path.includes('/own/')),
    'our own folder is passed over',
  )
  for (const path of all) {
    const name = Buffer.from(path, 'latin1')
    const state = await journal.look(name)
    if (state !== 'known') journal.settle(name, state)
  }
  await journal.flush()
  t.strictSame((await look([tree])).files, [])
  t.strictSame((await look([tree], { version: 'w' })).files, all, 'by other rules nothing is known')
  t.strictSame((await look([tree], { all: true })).files, all)
  writeFileSync(join(tree, 'a'), 'other')
  rmSync(join(tree, 'sub'), { recursive: true })
  mkdirSync(join(tree, 'sub'))
  t.strictSame(await look([tree], { prune: true }), {
    files: [join(tree, 'a')],
    folders: [tree, join(tree, 'sub')],
    gone: [join(tree, 'sub', 'b')],
  })
})
