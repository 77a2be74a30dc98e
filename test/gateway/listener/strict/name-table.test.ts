import fc from 'fast-check'
import t from 'tap'

import { fieldName } from '../../../../gateway/listener/strict/name-table.js'

t.test('a name is what its bytes say, whatever was met at its place before', (t) => {
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(
          fc.string({ unit: fc.constantFrom('a', 'b', 'A', '-', '\xff', '\0'), maxLength: 70 }),
          fc.nat(9),
        ),
        { maxLength: 50 },
      ),
      (names) => {
        for (const [name, before] of names) {
          const bytes = Buffer.from(`${'x'.repeat(before)}${name}: value`, 'latin1')
          if (fieldName(bytes, before, before + name.length) !== name) return false
        }
        return true
      },
    ),
    { numRuns: 2000 },
  )
  // More names than there are places.
  for (let round = 0; round < 2; round++)
    for (let n = 0; n < 5000; n++) {
      const name = `x-${n}`
      if (fieldName(Buffer.from(name), 0, name.length) !== name) t.fail(name)
    }
  t.end()
})
