import fc from 'fast-check'
import t from 'tap'
import { BitSets } from '../../../../detectors/seclang/prefilter/bit-sets.js'

t.test('a set is found as it was given, whatever else is remembered', (t) => {
  const sets = new BitSets()
  const kept = new Map<string, Int32Array>()
  const scratch = new Int32Array(3)
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.constant(0), fc.integer()), { minLength: 3, maxLength: 3 }), (words) => {
      scratch.set(words)
      const set = sets.of(scratch)
      kept.set(words.join(), set)
      return set !== scratch && words.every((word, at) => set[at] === word)
    }),
    { numRuns: 5000 },
  )
  for (const [words, set] of kept) if (set.join() !== words) t.fail(`${words} became ${set.join()}`)
  scratch.set([1, 2, 3])
  t.equal(sets.of(scratch), sets.of(Int32Array.of(1, 2, 3)), 'equal ones are one')
  t.end()
})
