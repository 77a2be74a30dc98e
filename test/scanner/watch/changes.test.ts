import t from 'tap'
import { Changes, MAX_CHANGES } from '../../../scanner/watch/changes.js'

const path = (name: string) => Buffer.from(`/${name}`)
const names = (paths: readonly Buffer[]) => paths.map(String)

t.test('a path is due once, when it has come to rest', async (t) => {
  const changes = new Changes()
  changes.add(path('a'), 0)
  changes.add(path('b'), 0)
  changes.add(path('a'), 150)
  t.strictSame(names(changes.take(100)), [])
  t.strictSame(names(changes.take(200)), ['/b'])
  t.strictSame(names(changes.take(349)), [])
  t.strictSame(names(changes.take(350)), ['/a'])
  t.equal(changes.size, 0)
})

t.test('a path that does not come to rest is due all the same', async (t) => {
  const changes = new Changes()
  for (let now = 0; now < 5_000; now += 100) {
    changes.add(path('a'), now)
    t.strictSame(changes.take(now), [])
  }
  t.strictSame(names(changes.take(5_000)), ['/a'])
})

t.test('a file that takes long to judge rests in between', async (t) => {
  const changes = new Changes()
  changes.judged(path('a'), 1_000, 0)
  changes.add(path('a'), 0)
  t.strictSame(changes.take(9_999), [])
  t.strictSame(names(changes.take(10_000)), ['/a'])
})

t.test('too many are given up, which is said', async (t) => {
  const changes = new Changes()
  for (let i = 0; i < MAX_CHANGES; i++) changes.add(path(String(i)), 0)
  t.equal(changes.size, MAX_CHANGES)
  t.equal(changes.add(path('one more'), 0), false)
  t.equal(changes.size, 0)
})
