import fc from 'fast-check'
import t from 'tap'
import { noRequirement } from '../../../../detectors/seclang/prefilter/index.js'
import type { Requirement } from '../../../../detectors/seclang/prefilter/index.js'
import { MaskTable } from '../../../../detectors/seclang/prefilter/mask-table.js'
import { admitsMask } from '../../../../detectors/seclang/prefilter/requirement.js'

const bit = fc.nat(31).map((shift) => 1 << shift)
const mask = fc.array(bit, { maxLength: 4 }).map((bits) => bits.reduce((all, each) => all | each, 0))
const requirement: fc.Arbitrary<Requirement> = fc.record({
  minLength: fc.constant(0),
  maxLength: fc.constant(Infinity),
  someOf: fc.array(mask, { maxLength: 3 }),
  within: fc.oneof(fc.constant(-1), mask),
  literals: fc.constantFrom(undefined, ['a']),
  instead: mask,
})

t.test('a row says who admits the mask and who needs a literal, whatever was asked before', (t) => {
  fc.assert(
    fc.property(
      fc.array(requirement, { maxLength: 70 }),
      fc.array(mask, { minLength: 1, maxLength: 30 }),
      (requirements, masks) => {
        const table = new MaskTable(requirements)
        const words = (requirements.length + 31) >>> 5
        const has = (row: number, member: number): boolean =>
          (((table.rows[row + (member >>> 5)] ?? 0) >>> (member & 31)) & 1) === 1
        for (const each of [...masks, ...masks, 0]) {
          const row = table.rowOf(each)
          for (const [member, required] of requirements.entries()) {
            if (has(row, member) !== admitsMask(required, each)) return false
            const needs = required.literals !== undefined && (required.instead & each) === 0
            if (has(row + words, member) !== needs) return false
          }
        }
        return true
      },
    ),
    { numRuns: 300 },
  )
  t.end()
})

t.test('masks that share a row displace each other', async (t) => {
  const table = new MaskTable([{ ...noRequirement, someOf: [1] }])
  for (let round = 0; round < 2; round++)
    for (let each = 0; each < 5000; each++) {
      const row = table.rowOf(each)
      if (table.rows[row] !== (each & 1)) t.fail(String(each))
    }
})
