import fc from 'fast-check'
import t from 'tap'
import { compilePattern } from '../../../../detectors/seclang/pcre/index.js'
import { maskOf, noRequirement, Prefilter } from '../../../../detectors/seclang/prefilter/index.js'
import { admits } from '../../../../detectors/seclang/prefilter/requirement.js'
import type { Requirement } from '../../../../detectors/seclang/prefilter/index.js'
import { randomPattern } from '../pcre/random-pattern.js'
import { growth, mixture, seeded } from '../work.js'

const mask = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
const text = fc.string({ unit: fc.constantFrom('a', 'b', '1', ' ', "'", '\xff'), minLength: 1, maxLength: 4 })
const requirement: fc.Arbitrary<Requirement> = fc.record({
  minLength: fc.nat(80),
  maxLength: fc.oneof(fc.constant(Infinity), fc.integer({ min: -1, max: 90 })),
  someOf: fc.array(mask, { maxLength: 2 }),
  within: fc.oneof(fc.constant(-1), mask),
  instead: fc.oneof(fc.constant(0), mask),
  literals: fc.oneof(fc.constant(undefined), fc.array(text, { minLength: 1, maxLength: 3 })),
})
const value = fc.string({
  unit: fc.constantFrom('a', 'B', 'b', '1', ' ', "'", '\xff', '/', '\0'),
  maxLength: 100,
})

t.test('its candidates are the members that admit the value', async (t) => {
  fc.assert(
    fc.property(
      fc.array(requirement, { maxLength: 70 }),
      fc.array(value, { maxLength: 8 }),
      (requirements, values) => {
        const prefilter = new Prefilter(requirements)
        for (const each of values) {
          const candidates = prefilter.candidates(each, maskOf(each))
          for (const [member, required] of requirements.entries()) {
            const isCandidate = (((candidates[member >>> 5] ?? 0) >>> (member & 31)) & 1) === 1
            if (isCandidate !== admits(required, each)) return false
          }
        }
        return true
      },
    ),
    { numRuns: 300 },
  )
  t.end()
})

t.test('no pattern that matches is left out, whatever masks came before', async (t) => {
  const random = seeded(61)
  const atoms = ['a', 'or', '[ab]', '\\w', '<', "'", '\\s', '\\d', '.']
  const pieces = ['a', 'b', 'OR', ' ', '1', '<', "'", '"', ';', '%', '\n', '\xe9', '_', '(']
  const patterns = Array.from({ length: 90 }, () =>
    compilePattern(randomPattern(random, 4, atoms), { file: 'x', line: 1 }),
  )
  const prefilter = new Prefilter(patterns.map(({ requires }) => requires))
  let left = 0
  for (let round = 0; round < 5000; round++) {
    const each = mixture(pieces, Math.floor(random() * 30), random)
    const candidates = prefilter.candidates(each, maskOf(each))
    for (const [member, pattern] of patterns.entries()) {
      const isCandidate = (((candidates[member >>> 5] ?? 0) >>> (member & 31)) & 1) === 1
      if (!isCandidate) left += 1
      if (!isCandidate && pattern.test(each)) t.fail(JSON.stringify({ source: pattern.source, each }))
    }
  }
  t.ok(left > 10_000)
})

t.test('without members there are no candidates', async (t) => {
  t.equal(new Prefilter([]).candidates('a', maskOf('a')).length, 0)
  t.strictSame([...new Prefilter([noRequirement]).candidates('', 0)], [1])
})

t.test('is linear in the value', async (t) => {
  const prefilter = new Prefilter(
    Array.from({ length: 100 }, (_, index) => ({
      ...noRequirement,
      literals: [`${'a'.repeat(index % 8)}b`],
    })),
  )
  t.ok(growth((size) => prefilter.candidates('a'.repeat(size), maskOf('a')), 100_000) < 10)
})
