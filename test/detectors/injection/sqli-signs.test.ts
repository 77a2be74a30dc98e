import t from 'tap'
import { detectSqli, sqliSigns } from '../../../detectors/injection/index.js'
import { PROSE_KINDS } from '../../../detectors/injection/sql-prose.js'
import { functionWords, sqlWords, wordPairs } from '../../../detectors/injection/sql-words.js'
import { sqliFingerprints } from '../../../detectors/injection/sqli-fingerprints.js'
import { attackShape } from '../../../detectors/injection/sqli-shapes.js'
import { sqlContexts, sqlFingerprint, sqlShapes } from '../../../detectors/injection/sqli.js'
import { mixture, seeded } from '../seclang/work.js'
import { corpusFiles, corpusFolder, corpusLines } from './corpus.js'

const isAttack = (shape: string): boolean =>
  attackShape.test(shape) || sqliFingerprints.has(sqlFingerprint(shape))

/** What the tokens say, signs or none. */
function readsAsSql(value: string): boolean {
  return sqlContexts(value).some((context) => [...sqlShapes(value, context)].some(isAttack))
}

function hasSign(value: string): boolean {
  const lower = value.toLowerCase()
  return sqliSigns.some((sign) => lower.includes(sign))
}

t.test('kinds of tokens that have no sign make no attack among themselves', async (t) => {
  const kinds = PROSE_KINDS.replace('l', '').split('')
  const shapes = (shape: string, length: number): void => {
    if (isAttack(shape)) t.fail(shape)
    if (shape.length < length) for (const kind of kinds) shapes(shape + kind, length)
  }
  for (const kind of kinds) shapes(kind, 5)
  // A comparison has no sign when it comes first.
  shapes('l', 5)
  const random = seeded(81)
  for (let round = 0; round < 200_000; round++) {
    const shape = mixture(kinds, 6 + Math.floor(random() * 40), random)
    if (isAttack(shape)) t.fail(shape)
  }
})

t.test('what has no sign does not read as SQL', async (t) => {
  const random = seeded(82)
  const words = [...sqlWords.keys(), ...functionWords.keys(), ...wordPairs.keys()].map((word) => `${word} `)
  const quiet = words.filter((word) => !hasSign(`x ${word}`))
  const plain =
    'table |lamp|Brass |a|x.y |1 |2|3.5|1e|e.|.|, |/|-| |:|? |_|\xe9|in |is |by |and |or |and |or |1 '.split(
      '|',
    )
  let read = 0
  for (let round = 0; round < 60_000; round++) {
    const pieces = round % 2 === 0 ? [...quiet, ...plain] : [...words, ...plain]
    const value = mixture(pieces, 4 + Math.floor(random() * 50), random)
    if (hasSign(value)) continue
    read += 1
    if (readsAsSql(value) || detectSqli(value) !== false) t.fail(JSON.stringify(value))
  }
  t.ok(read > 5000, `${read} read`)
  t.ok(quiet.length > 50)
})

t.test('everyday values have no sign', async (t) => {
  for (const value of [
    '',
    'table lamp',
    '2024-01-31',
    'price_asc',
    'www.example.com/a/b',
    'Fish and chips, or not',
    '10:45',
  ])
    t.notOk(hasSign(value), value)
})

const folder = corpusFolder()
if (folder !== undefined) {
  t.test('every line of the corpora that reads as SQL has a sign', async (t) => {
    let found = 0
    for (const start of ['sqli-', 'xss-', 'false_positives'])
      for (const file of corpusFiles(folder, start))
        for (const line of corpusLines(folder, file)) {
          if (!readsAsSql(line)) continue
          found += 1
          if (!hasSign(line)) t.fail(line)
        }
    t.ok(found > 15_000)
  })
}
