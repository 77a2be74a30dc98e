import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { walk, type Walked } from '../../scanner/walk.js'

const NOBODY = 65534

const all = async (folder: string, options = {}): Promise<Walked[]> => {
  const met: Walked[] = []
  for await (const entry of walk(Buffer.from(folder), options)) met.push(entry)
  return met
}

t.test('an unreadable folder is an error, not an omission', async (t) => {
  const folder = t.testdir({ closed: { file: 'x' }, open: { file: 'x' } })
  chmodSync(join(folder, 'closed'), 0)
  // Root reads everything, so the walk is done as somebody else.
  const root = process.geteuid?.() === 0
  if (root) process.seteuid?.(NOBODY)
  const met = await all(folder).finally(() => {
    if (root) process.seteuid?.(0)
    chmodSync(join(folder, 'closed'), 0o700)
  })
  t.match(
    met.filter((entry) => entry.kind !== 'file'),
    [{ kind: 'error', reason: { rule: 'EACCES' } }],
  )
  t.equal(met.filter((entry) => entry.kind === 'file').length, 1)
})

t.test('a very deep tree is walked to its end', async (t) => {
  const folder = t.testdir()
  const deep = join(folder, ...Array.from({ length: 400 }, () => 'dir'))
  mkdirSync(deep, { recursive: true })
  const met = await all(folder)
  t.strictSame(met, [])
})

t.test('what is excluded is not met', async (t) => {
  const folder = t.testdir({ keep: 'x', drop: { file: 'x' } })
  const met = await all(folder, { exclude: (path: string) => path.endsWith('/drop') })
  t.strictSame(
    met.map((entry) => entry.path.toString()),
    [join(folder, 'keep')],
  )
})

t.test('a start that is missing is an error', async (t) => {
  t.match(await all(join(t.testdir(), 'none')), [{ kind: 'error', reason: { rule: 'ENOENT' } }])
})
