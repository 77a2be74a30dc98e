import t from 'tap'
import { benignSentences } from '../../../detectors/injection/benign-grammar.js'
import { PROSE_KINDS, isProse } from '../../../detectors/injection/sql-prose.js'
import { sqlWords, wordPairs } from '../../../detectors/injection/sql-words.js'
import { sqlContexts, sqlFingerprint, sqlShapes } from '../../../detectors/injection/sqli.js'
import { sqliFingerprints } from '../../../detectors/injection/sqli-fingerprints.js'
import { attackShape } from '../../../detectors/injection/sqli-shapes.js'
import { corpusFiles, corpusFolder, corpusLines } from './corpus.js'

/** What the tokenizer and the shapes say, without asking first whether a value is prose. */
function isAttack(value: string): boolean {
  return sqlContexts(value).some((context) =>
    [...sqlShapes(value, context)].some(
      (shape) => attackShape.test(shape) || sqliFingerprints.has(sqlFingerprint(shape)),
    ),
  )
}

function seeded(seed: number): () => number {
  let state = seed
  return () => (state = (state * 1_103_515_245 + 12_345) & 0x7fffffff) / 0x80000000
}

/** The kinds that may stand together in prose: one of the three things that a condition needs is missing. */
const ALPHABETS = [/&/, /l/, /[1r,]/].map((missing) =>
  PROSE_KINDS.split('').filter((kind) => !missing.test(kind)),
)

t.test('what prose is made of spells no attack', async (t) => {
  const spelled = (letters: readonly string[], length: number): string[] =>
    length === 0
      ? ['']
      : spelled(letters, length - 1).flatMap((shape) => letters.map((letter) => shape + letter))
  const random = seeded(7)
  for (const letters of ALPHABETS) {
    for (const length of [1, 2, 3, 4])
      for (const shape of spelled(letters, length))
        if (attackShape.test(shape) || sqliFingerprints.has(shape)) t.fail(shape)
    for (let round = 0; round < 30_000; round++) {
      let shape = ''
      for (let rest = Math.floor(random() * 40); rest >= 0; rest--)
        shape += letters[Math.floor(random() * letters.length)] ?? ''
      if (attackShape.test(shape) || sqliFingerprints.has(sqlFingerprint(shape))) t.fail(shape)
    }
  }
})

t.test('no attack is prose', async (t) => {
  const random = seeded(11)
  const words = [...sqlWords.keys(), ...[...wordPairs.keys()].flatMap((pair) => pair.split(' '))]
  const others = [
    ...`1 22 , . - -- / + ? % ! : :: ' " ( ) = ; @ 3rd 1.e.a a.b \xa0 \xe9 x_1 name tables`.split(' '),
    ' ',
  ]
  for (let round = 0; round < 20_000; round++) {
    let value = ''
    for (let rest = Math.floor(random() * 8); rest >= 0; rest--) {
      const list = random() < 0.6 ? words : others
      value += (list[Math.floor(random() * list.length)] ?? '') + (random() < 0.8 ? ' ' : '')
    }
    if (isProse(value) && isAttack(value)) t.fail(value)
  }
})

t.test('plain text is prose, and what has signs or words of SQL is not', async (t) => {
  for (const value of [
    '',
    'a',
    'in_stock',
    'Brushed brass table lamp, 40 cm, with a linen shade',
    'table lamps and chairs in brass. For reading?',
    '2024-01-31',
    '12:30',
    '3.5',
    'price_asc',
    'caf\xe9 and th\xe9',
    'Mozilla/5.0 - X11',
  ])
    t.ok(isProse(value), value)
  for (const value of [
    '1 union select 2',
    '1 and 2 like 3',
    'and in a, b',
    "it's",
    '1;2',
    'a--b',
    'a::b',
    '1.e.t',
    '3rd',
    'f(x)',
    '1 order by 2',
  ])
    t.notOk(isProse(value), value)
})

t.test('of harmless sentences few need the tokenizer, of attacks all', async (t) => {
  const sentences = [...benignSentences()]
  for (const value of sentences) if (isProse(value) && isAttack(value)) t.fail(value)
  const folder = corpusFolder()
  if (folder === undefined) return
  const attacks = corpusFiles(folder, 'sqli-').flatMap((file) => corpusLines(folder, file))
  for (const value of attacks) if (isProse(value) && isAttack(value)) t.fail(value)
})

t.test('any bytes are read once', async (t) => {
  for (const piece of ['a', '1', '1.', '.', ' ', 'and ', 'or,', 'selec', '\xff', '-a', ': '])
    t.type(isProse(piece.repeat(200_000)), 'boolean')
})
