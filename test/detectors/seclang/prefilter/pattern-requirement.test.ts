import { join } from 'node:path'
import t from 'tap'
import { SecLangError } from '../../../../detectors/seclang/errors.js'
import { compilePattern, type CompiledPattern } from '../../../../detectors/seclang/pcre/index.js'
import { parsePattern } from '../../../../detectors/seclang/pcre/parser.js'
import { byteClass } from '../../../../detectors/seclang/prefilter/index.js'
import { admits } from '../../../../detectors/seclang/prefilter/requirement.js'
import { crsPatterns } from '../crs-patterns.js'
import { randomPattern } from '../pcre/random-pattern.js'
import { sample } from '../pcre/sample.js'
import { mixture, seeded } from '../work.js'

const position = { file: 'prefilter.conf', line: 1 }
const data = process.env['PORTCULLIS_TEST_DATA']
/** Undefined for a pattern that is refused. */
function compiled(source: string): CompiledPattern | undefined {
  try {
    return compilePattern(source, position)
  } catch (error) {
    if (error instanceof SecLangError) return undefined
    throw error
  }
}
const requirementOf = (source: string) => compilePattern(source, position).requires

t.test('what a pattern needs is read off it', async (t) => {
  t.match(requirementOf('(?i)union\\W+select'), { minLength: 12, literals: ['select'] })
  t.strictSame(requirementOf('(?:foo|bar)\\(').literals, ['foo(', 'bar('])
  t.strictSame(requirementOf('ab+c').literals, ['bc'], 'the rarer end of a repeat')
  t.strictSame(requirementOf('x.*etc/passwd').literals?.length, 1)
  t.strictSame(requirementOf('^(?=.*;)\\w+').someOf.includes(byteClass.semicolon), true)
  t.match(requirementOf('^[0-9.]{1,5}$'), {
    minLength: 1,
    maxLength: 5,
    within: byteClass.digit | byteClass.dot,
  })
  t.match(requirementOf('[0-9.]{2,5}$'), { minLength: 2, maxLength: Infinity, within: -1 })
  t.strictSame(requirementOf('["\'`]').someOf, [
    byteClass.doubleQuote | byteClass.singleQuote | byteClass.backQuote,
  ])
})

t.test('without the signs that it lets stand anywhere a pattern has to be spelt', async (t) => {
  const requirement = requirementOf(`(?i)n["'\\\\$]*o["'\\\\$]*h["'\\\\$]*u["'\\\\$]*p["'\\\\$]*\\b`)
  t.match(requirement, { literals: ['nohup'] })
  for (const value of ['nohup ls', 'NOHUP\t', `n'o'hup;`, 'n$ohup ', 'nohu\\p '])
    t.ok(admits(requirement, value), value)
  for (const value of ['no hup ', 'nohu ', '']) t.notOk(admits(requirement, value), value)
})

t.test('what may be absent is not required', async (t) => {
  for (const source of ['(?:union)?', 'a*', '', '^', '(?!union)', '(?<!a)', 'x|', '\\b', '(?:|union)'])
    t.ok(admits(requirementOf(source), ''), source)
  t.ok(admits(requirementOf('union|\\d'), '1'))
  t.ok(admits(requirementOf('(?:union)?a'), 'a'))
  t.ok(admits(requirementOf('(?:\\b)*a'), 'a'))
})

t.test('a pattern that sees only the beginning of a value requires nothing', async (t) => {
  const pattern = compilePattern('(["\']).*?\\1', position)
  t.equal(pattern.classification, 'bounded')
  t.ok(admits(pattern.requires, ''))
})

t.test('whatever a pattern matches, its requirement admits', async (t) => {
  const random = seeded(31)
  const atoms = [
    'a',
    'B',
    '.',
    '[ab]',
    '[^a]',
    '\\w',
    '\\s',
    'or',
    'union',
    '<',
    '\\(',
    '[\'"]',
    '\\d',
    '=',
    '\\xe9',
  ]
  const pieces = [
    'a',
    'b',
    'A',
    'B',
    'or',
    'OR',
    'union',
    'UNION',
    ' ',
    '\n',
    '1',
    '<',
    '(',
    "'",
    '"',
    '=',
    '\xe9',
    '\0',
  ]
  let matched = 0
  let refused = 0
  for (let round = 0; round < 2500; round++) {
    const source = randomPattern(random, 5, atoms)
    const pattern = compiled(source)
    if (pattern === undefined) continue
    const { root } = parsePattern(source)
    for (let turn = 0; turn < 8; turn++) {
      const spelt = sample(root, random)
      const value = turn < 4 ? spelt : mixture(pieces, Math.floor(random() * 12), random)
      if (pattern.test(value)) {
        matched += 1
        if (!admits(pattern.requires, value)) t.fail(JSON.stringify({ source, value, ...pattern.requires }))
      } else if (!admits(pattern.requires, value)) refused += 1
    }
  }
  t.ok(matched > 5000, `${matched} matched`)
  t.ok(refused > 1000, `${refused} refused`)
})

t.test('any text is a pattern with a requirement or none', async (t) => {
  const random = seeded(32)
  const pieces = [
    '(',
    ')',
    '[',
    ']',
    '{2}',
    '{0}',
    '{1,9}',
    '*',
    '+',
    '?',
    '|',
    '^',
    '$',
    '.',
    '\\b',
    '(?=',
    '(?!',
    '(?>',
    'ab',
    '[^',
    '\\1',
  ]
  for (let round = 0; round < 2500; round++) {
    const source = mixture(pieces, Math.floor(random() * 14), random)
    const pattern = compiled(source)
    if (pattern?.test('ab') === true) t.ok(admits(pattern.requires, 'ab'))
  }
})

t.test('a requirement is small however large the pattern is', async (t) => {
  for (const source of [
    '(?:[a-f][0-9]){8}',
    '(?:a|b|c|d|e){12}',
    `(?:${'(?:ab|cd)?'.repeat(40)})x`,
    '(?:(?:a{1,4}b{1,4}){1,4}){1,4}',
  ]) {
    const { literals = [] } = requirementOf(source)
    t.ok(literals.length <= 96, source)
  }
})

if (data !== undefined) {
  t.test('whatever a pattern of the Core Rule Set matches, its requirement admits', async (t) => {
    const random = seeded(33)
    let matched = 0
    for (const source of crsPatterns(join(data, 'crs/rules'))) {
      const pattern = compilePattern(source, position)
      const { root } = parsePattern(source)
      for (let turn = 0; turn < 60; turn++) {
        const value = sample(root, random)
        if (!pattern.test(value)) continue
        matched += 1
        if (!admits(pattern.requires, value)) t.fail(JSON.stringify({ source, value }))
        const around = `x ${value.toUpperCase()} 1`
        if (pattern.test(around) && !admits(pattern.requires, around))
          t.fail(JSON.stringify({ source, around }))
      }
    }
    t.ok(matched > 10_000, `${matched} matched`)
  })
}
