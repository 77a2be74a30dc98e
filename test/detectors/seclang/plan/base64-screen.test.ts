import fc from 'fast-check'
import t from 'tap'
import { Base64Screen } from '../../../../detectors/seclang/plan/base64-screen.js'
import { noRequirement } from '../../../../detectors/seclang/prefilter/index.js'
import { base64Decode } from '../../../../detectors/seclang/transformations/base64-decode.js'
import { transformation } from '../../../../detectors/seclang/transformations/index.js'

const wanting = (...literals: string[]) => ({ ...noRequirement, literals })
const encoded = (text: string): string => Buffer.from(text, 'latin1').toString('base64')

const FOLLOWING = [
  'compressWhitespace',
  'jsDecode',
  'removeNulls',
  'removeWhitespace',
  'replaceComments',
  'trim',
  'trimLeft',
  'trimRight',
  'urlDecode',
  'urlDecodeUni',
]

t.test('what decodes to nothing that rules look for is told, in any part of the alphabet', async (t) => {
  const screen = Base64Screen.of([wanting('require', ' function'), wanting('eval')], FOLLOWING)
  t.equal(screen?.admits('table lamp brushed brass with a linen shade warm light for reading'), false)
  t.equal(screen?.admits(''), false)
  t.equal(screen?.admits(encoded('a list of things')), false)
  for (const text of [
    'require',
    'a ReQuire b',
    're\\quire',
    'new function',
    'e\0va\tl',
    'x%65val',
    'ev/**/al',
    '\\x65val',
  ])
    t.equal(screen?.admits(encoded(text)), true, text)
})

t.test('nothing is told where rules look at anything else', async (t) => {
  const literal = wanting('eval')
  t.equal(Base64Screen.of([literal, noRequirement], []), undefined)
  t.equal(Base64Screen.of([{ ...literal, instead: 1 }], []), undefined)
  t.equal(Base64Screen.of([wanting('\\ ')], []), undefined)
  t.equal(Base64Screen.of([literal], ['htmlEntityDecode']), undefined)
})

t.test('no value is screened that the transformations make a literal of', async (t) => {
  const literals = ['eval', ' a%', '\\b/', 'c+']
  const screen = Base64Screen.of([wanting(...literals)], FOLLOWING)
  t.ok(screen)
  const piece = fc.constantFrom(
    ...'e v a l E V A L b c % / * \\ + u x 0 6 5 25 5c \\x %u00 /* */ %65 ev al'.split(' '),
    ' ',
    '\0',
    '\t',
    '\xa0',
    '\x85',
  )
  const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''))
  const runs = fc.array(fc.constantFrom(...FOLLOWING), { maxLength: 5 })
  fc.assert(
    fc.property(text, runs, fc.nat(40), (text, names, gap) => {
      const code = encoded(text)
      const value = `${code.slice(0, gap)} \n${code.slice(gap)}`
      let stage = base64Decode(value)
      const stages = [stage]
      for (const name of names) {
        stage = transformation(name)?.(stage) ?? stage
        stages.push(stage)
      }
      const found = stages.some((each) => literals.some((literal) => each.toLowerCase().includes(literal)))
      return !found || screen?.admits(value) === true
    }),
    { numRuns: Number(process.env['PORTCULLIS_PLAN_RUNS'] ?? 3000) },
  )
})
