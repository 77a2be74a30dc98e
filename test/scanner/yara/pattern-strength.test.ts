import t from 'tap'
import { patternStrength } from '../../../scanner/yara/pattern-strength.js'

t.test('what is seldom found is stronger than what is found everywhere', async (t) => {
  const order = [
    '{ ?? 4? }',
    '{ 00 00 00 00 00 00 00 00 }',
    '/[a-c]x+/',
    '"<?"',
    '"eval" nocase',
    '/https?:\\/\\/[a-z]+/',
    '{ 48 89 e5 [2-8] 48 83 ec ?? }',
    '"functions" wide',
    '"/dev/tcp/"',
    '{ 58 35 4F 21 50 25 40 41 50 5B // a comment 41 41 41 41 41 41 41\n 34 }',
  ]
  const strengths = order.map(patternStrength)
  t.strictSame(
    strengths,
    [...strengths].sort((a, b) => a - b),
  )
})

t.test('hostile patterns take linear time', async (t) => {
  t.equal(patternStrength(`{ ${'4? '.repeat(300_000)} }`), 0)
  t.equal(patternStrength(`/${'\\d'.repeat(300_000)}/`), 0)
  t.equal(patternStrength(`"${'\\'.repeat(300_000)}"`), 1)
})
