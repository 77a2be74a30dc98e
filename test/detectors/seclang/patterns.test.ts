import fc from 'fast-check'
import t from 'tap'
import { namePattern } from '../../../detectors/seclang/patterns.js'
import { compilePattern } from '../../../detectors/seclang/pcre/index.js'
import { loadContext } from './operators/run.js'

t.test('plain words say of names what their patterns say', async (t) => {
  const context = loadContext()
  const character = fc.constantFrom('a', 'A', 'k', '_', '-', '7', '\n', '\xb5', '\xc0', '\xe0')
  const word = fc
    .tuple(
      fc.constantFrom('', '^'),
      fc.string({ unit: fc.constantFrom('a', 'A', 'k', '_', '-', '7'), minLength: 1, maxLength: 4 }),
    )
    .map((parts) => parts.join(''))
  let matches = 0
  fc.assert(
    fc.property(word, fc.string({ unit: character, maxLength: 8 }), (source, name) => {
      const expected = compilePattern(`(?i)${source}`, context.position).test(name)
      if (expected) matches++
      return namePattern(source, context)(name) === expected
    }),
    { numRuns: 3000 },
  )
  t.ok(matches > 100, `${matches} matches`)
})
