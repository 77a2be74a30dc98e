import t from 'tap'
import { PhraseSet } from '../../../../detectors/seclang/operators/phrase-set.js'
import { growth, mixture, seeded } from '../work.js'

t.test('finds what a search for each phrase finds', async (t) => {
  const random = seeded(3)
  const letters = ['a', 'b', 'A', 'B', ' ', '\xe9', '\0', 'ab']
  let found = 0
  for (let round = 0; round < 4000; round++) {
    const phrases = Array.from({ length: 1 + Math.floor(random() * 5) }, () =>
      mixture(letters, 1 + Math.floor(random() * 4), random),
    )
    const value = mixture(letters, Math.floor(random() * 20), random)
    const lower = value.toLowerCase()
    const ends = phrases
      .map((phrase) => lower.indexOf(phrase.toLowerCase()) + phrase.length)
      .filter((end, index) => end >= (phrases[index] ?? '').length)
    const match = new PhraseSet(phrases).find(value)
    if ((match === undefined) !== (ends.length === 0)) t.fail(JSON.stringify({ phrases, value }))
    if (match !== undefined) {
      found += 1
      if (match.end !== Math.min(...ends)) t.fail(JSON.stringify({ phrases, value, match }))
      const text = value.slice(match.start, match.end).toLowerCase()
      if (!phrases.some((phrase) => phrase.toLowerCase() === text)) t.fail(JSON.stringify({ phrases, text }))
    }
  }
  t.ok(found > 500)
})

t.test('is linear however the phrases overlap', async (t) => {
  const set = new PhraseSet(Array.from({ length: 200 }, (_, index) => 'a'.repeat(index + 1) + 'b'))
  t.ok(growth((size) => set.find('a'.repeat(size)), 250_000) < 10)
})
