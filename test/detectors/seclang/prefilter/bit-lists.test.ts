import fc from 'fast-check'
import t from 'tap'
import { addBit, BitLists } from '../../../../detectors/seclang/prefilter/bit-lists.js'

const members = fc.uniqueArray(fc.nat(99), { maxLength: 6 })

t.test('lists go into a bit set and out of it, and touch nothing else', (t) => {
  fc.assert(
    fc.property(fc.array(members, { minLength: 1, maxLength: 5 }), members, (lists, before) => {
      const bits = new Int32Array(12)
      for (const member of before) addBit(bits, 4, member)
      const all = new BitLists(lists)
      const expected = new Set(before)
      for (const [list, own] of lists.entries()) {
        all.add(list, bits, 4)
        for (const member of own) expected.add(member)
      }
      t.strictSame(found(bits), expected)
      all.remove(0, bits, 4)
      for (const member of lists[0] ?? []) expected.delete(member)
      t.strictSame(found(bits), expected)
      t.ok([...bits.subarray(0, 4), ...bits.subarray(8)].every((word) => word === 0))
    }),
  )
  t.end()
})

/** Members of the bit set at row 4. */
function found(bits: Int32Array): ReadonlySet<number> {
  const set = new Set<number>()
  for (let member = 0; member < 128; member++)
    if ((((bits[4 + (member >>> 5)] ?? 0) >>> (member & 31)) & 1) === 1) set.add(member)
  return set
}
