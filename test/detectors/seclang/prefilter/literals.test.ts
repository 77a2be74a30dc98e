import t from 'tap'
import { Literals } from '../../../../detectors/seclang/prefilter/literals.js'
import { growth, mixture, seeded } from '../work.js'

function members(found: Int32Array, count: number): readonly boolean[] {
  return Array.from(
    { length: count },
    (_, member) => (((found[member >>> 5] ?? 0) >>> (member & 31)) & 1) === 1,
  )
}

t.test('finds the members whose literals stand in the value, and those that want none', async (t) => {
  const random = seeded(51)
  const letters = ['a', 'b', ' ', '\xe9', '\0', 'ab', "'"]
  for (let round = 0; round < 400; round++) {
    const wanted = Array.from({ length: 1 + Math.floor(random() * 70) }, () =>
      random() < 0.1
        ? undefined
        : Array.from({ length: 1 + Math.floor(random() * 4) }, () =>
            mixture(letters, 1 + Math.floor(random() * 5), random),
          ),
    )
    const literals = new Literals(wanted)
    for (let turn = 0; turn < 3; turn++) {
      const value = mixture([...letters, 'A', 'B'], Math.floor(random() * 20), random)
      const lower = value.toLowerCase()
      t.strictSame(
        members(literals.scan(value), wanted.length),
        wanted.map((texts) => texts?.some((text) => lower.includes(text)) ?? true),
      )
    }
  }
})

t.test('is linear in the value when every byte ends many literals', async (t) => {
  const literals = new Literals(
    Array.from({ length: 200 }, (_, index) => ['a'.repeat(1 + (index % 8)), `${'a'.repeat(index)}b`]),
  )
  t.ok(growth((size) => literals.scan('a'.repeat(size)), 100_000) < 10)
  t.ok(growth((size) => literals.scan('ab'.repeat(size / 2)), 100_000) < 10)
})
