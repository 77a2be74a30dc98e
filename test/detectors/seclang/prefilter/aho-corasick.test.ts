import t from 'tap'
import { AhoCorasick, caselessColumns } from '../../../../detectors/seclang/prefilter/aho-corasick.js'
import { mixture, seeded } from '../work.js'

/** Texts that end at each place of a value, by reading it as the table says. */
function endings(automaton: AhoCorasick, value: string): readonly (readonly number[])[] {
  let state = 0
  return Array.from(value, (char) => {
    const cell = automaton.next[state + (automaton.columns[char.charCodeAt(0)] ?? 0)] ?? 0
    state = cell < 0 ? ~cell : cell
    const found = automaton.endings[state / automaton.width] ?? []
    if (cell < 0 !== found.length > 0) throw new Error('the sign of a cell says whether a text ends')
    return found
  })
}

t.test('after each byte the state says which texts end there, the longest first', async (t) => {
  const random = seeded(71)
  for (let round = 0; round < 500; round++) {
    const texts = [
      ...new Set(
        Array.from({ length: 1 + Math.floor(random() * 8) }, () =>
          mixture(['a', 'b', '\xff'], 1 + Math.floor(random() * 5), random),
        ),
      ),
    ]
    const { columns, width } = caselessColumns(texts)
    const automaton = new AhoCorasick(texts, columns, width)
    const value = mixture(['a', 'A', 'b', '\xff', ' '], 30, random)
    const lower = value.toLowerCase()
    const expected = Array.from(value, (_, at) =>
      [...texts.keys()]
        .filter((index) => lower.slice(0, at + 1).endsWith(texts[index] ?? ''))
        .toSorted((a, b) => (texts[b]?.length ?? 0) - (texts[a]?.length ?? 0)),
    )
    t.strictSame(endings(automaton, value), expected)
  }
})

t.test('bytes that share a column are one to it', async (t) => {
  const texts = ['aaab', 'aac', 'ad', 'e']
  const { columns, width } = caselessColumns(texts, 3)
  t.equal(width, 3)
  t.equal(columns[97], 1)
  t.equal(columns[65], 1)
  t.strictSame(new Set([98, 99, 100, 101].map((byte) => columns[byte])), new Set([2]))
  t.equal(columns[102], 0)
  const automaton = new AhoCorasick(texts, columns, width)
  t.ok(endings(automaton, 'aad').at(-1)?.includes(1), 'what only looks like a text is found too')
})
