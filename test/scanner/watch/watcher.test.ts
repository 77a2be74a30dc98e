import { appendFileSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { EICAR } from '../sample-files.js'
import { watching } from '../watching.js'

/** So long that whatever is found after the first passes was told by an event. */
const NEVER = 80_000

const settled = async (state: () => { pass: { running: boolean; last?: unknown } }): Promise<void> => {
  // The pass that a first one asks for begins at once, so that twice at rest is at rest.
  for (let rests = 0; rests < 5;) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    const { pass } = state()
    rests = !pass.running && pass.last !== undefined ? rests + 1 : 0
  }
}

t.test('what is made, written, renamed or moved here is judged at once', async (t) => {
  const base = t.testdir({ data: {}, tree: { sub: {} }, outside: { deep: { f: EICAR } } })
  const tree = join(base, 'tree')
  const { scanner, seen, until, stop } = await watching(join(base, 'data'), {
    watch: [tree],
    interval_seconds: NEVER,
  })
  await settled(() => scanner.state.watch)
  const found = (path: string) => until((of) => of.some((event) => event.path === path))
  writeFileSync(join(tree, 'made'), EICAR)
  await found(join(tree, 'made'))
  writeFileSync(join(tree, 'sub', 'written'), EICAR.slice(0, 9))
  appendFileSync(join(tree, 'sub', 'written'), EICAR.slice(9))
  await found(join(tree, 'sub', 'written'))
  renameSync(join(tree, 'made'), join(tree, 'renamed'))
  await found(join(tree, 'renamed'))
  renameSync(join(base, 'outside'), join(tree, 'sub', 'moved'))
  await found(join(tree, 'sub', 'moved', 'deep', 'f'))
  mkdirSync(join(tree, 'a', 'b', 'c'), { recursive: true })
  writeFileSync(join(tree, 'a', 'b', 'c', 'new'), EICAR)
  await found(join(tree, 'a', 'b', 'c', 'new'))
  rmSync(join(tree, 'a'), { recursive: true })
  mkdirSync(join(tree, 'a', 'b', 'c'), { recursive: true })
  writeFileSync(join(tree, 'a', 'b', 'c', 'again'), EICAR)
  await found(join(tree, 'a', 'b', 'c', 'again'))
  t.ok(
    seen.every(({ verdict }) => verdict === 'malicious'),
    'that a file is gone again is no finding',
  )
  t.match(scanner.state.watch, { watch: [tree], pass: { running: false } })
  t.equal(scanner.state.watch.problem, undefined)
  await stop()
})

t.test('a storm of changes is judged once, and none is missed', async (t) => {
  const base = t.testdir({ data: {}, tree: {} })
  const tree = join(base, 'tree')
  const { scanner, seen, until, stop } = await watching(join(base, 'data'), {
    watch: [tree],
    interval_seconds: NEVER,
  })
  await settled(() => scanner.state.watch)
  const path = join(tree, 'busy')
  for (let i = 0; i < 3_000; i++) writeFileSync(path, 'x')
  // More than the kernel keeps: what it drops only a pass can find.
  for (let i = 0; i < 9_000; i++) writeFileSync(join(tree, `file-${i}`), '')
  writeFileSync(path, EICAR)
  writeFileSync(join(tree, 'last'), EICAR)
  await until((of) => of.length >= 2)
  t.strictSame(seen.map((event) => event.path).sort(), [path, join(tree, 'last')])
  await stop()
})

t.test('our own state is not watched, and links are not followed', async (t) => {
  const base = t.testdir({ data: {}, tree: {}, outside: { e: EICAR } })
  symlinkSync(join(base, 'outside'), join(base, 'tree', 'link'))
  const { scanner, seen, until, stop } = await watching(join(base, 'data'), {
    watch: [base],
    interval_seconds: NEVER,
  })
  await settled(() => scanner.state.watch)
  writeFileSync(join(base, 'data', 'inside'), EICAR)
  writeFileSync(join(base, 'tree', 'f'), EICAR)
  await until((of) => of.length >= 2)
  t.strictSame(seen.map(({ path }) => path).sort(), [join(base, 'outside', 'e'), join(base, 'tree', 'f')])
  await stop()
})
