import fc from 'fast-check'
import t from 'tap'
import { operatorFactory } from '../../../../detectors/seclang/operators/index.js'
import { admits } from '../../../../detectors/seclang/prefilter/requirement.js'
import { corpusFiles, corpusFolder, corpusLines } from '../../injection/corpus.js'
import { loadContext, recordedRun } from './run.js'

const text = fc.string({
  unit: fc.constantFrom('a', 'A', 'b', '1', ' ', '%', "'", '<', '=', '\xe9', '\0'),
  maxLength: 8,
})
const argument = fc.string({
  unit: fc.constantFrom('a', 'A', 'b', '1', '%', "'", '\xe9'),
  minLength: 1,
  maxLength: 4,
})

/** Judges the value; fails when the operator answers yes, or reports a limit, to what its requirement does not admit. */
function judge(name: string, parameter: string, value: string): boolean {
  const factory = operatorFactory(name)
  if (factory === undefined) throw new Error(name)
  const operator = factory(parameter, loadContext())
  const run = recordedRun()
  const answer = operator(value, run)
  if (operator.requires === undefined) throw new Error(`@${name} requires nothing`)
  if ((answer || run.limits.length > 0) && !admits(operator.requires, value))
    throw new Error(`@${name} ${parameter} matches ${JSON.stringify(value)}`)
  return answer
}

for (const name of [
  'contains',
  'containsWord',
  'strmatch',
  'streq',
  'beginsWith',
  'endsWith',
  'within',
  'pm',
  'rx',
  'rxGlobal',
])
  t.test(`@${name} requires no more than a match has`, (t) => {
    fc.assert(
      fc.property(argument, text, fc.boolean(), (parameter, around, alone) => {
        judge(name, parameter, alone ? parameter : around)
        judge(name, parameter, `${around.slice(0, 3)}${parameter}${around.slice(3)}`)
        judge(name, parameter, parameter.slice(1))
      }),
    )
    t.end()
  })

t.test('@validate operators require no more than a match has', (t) => {
  fc.assert(
    fc.property(text, (value) => {
      judge('validateByteRange', '32-36,38-126', value)
      judge('validateByteRange', '0-255', value)
      judge('validateUrlEncoding', '', value)
      judge('validateUtf8Encoding', '', value)
      judge('noMatch', '', value)
    }),
  )
  t.end()
})

t.test('arguments with macros require nothing', async (t) => {
  for (const name of ['contains', 'streq', 'within', 'beginsWith', 'endsWith', 'rx'])
    t.ok(admits(operatorFactory(name)?.('%{TX.a}', loadContext()).requires ?? { ...never }, ''), name)
})

const never = { minLength: Infinity, maxLength: 0, someOf: [], within: 0, literals: undefined, instead: 0 }

t.test('@detectXSS and @detectSQLi require no more than any bytes have', (t) => {
  const pieces = fc.constantFrom(
    ...'<>=&:;,(`\'"/ \0\nae1#'.split(''),
    'javascript',
    'colon',
    'onload',
    'svg',
    'select ',
    ' or ',
    '1',
    'data',
    'vbscript',
    '&#58',
    '&colon',
    'union ',
  )
  const value = fc.string({ unit: pieces, maxLength: 14 })
  let yes = 0
  fc.assert(
    fc.property(value, (each) => {
      if (judge('detectXSS', '', each)) yes += 1
      if (judge('detectSQLi', '', each)) yes += 1
    }),
    { numRuns: 5000 },
  )
  t.ok(yes > 100, `${yes} found`)
  t.end()
})

const folder = corpusFolder()
if (folder !== undefined) {
  t.test('@detectXSS and @detectSQLi require no more than collected attacks have', async (t) => {
    let yes = 0
    for (const start of ['sqli-', 'xss-'])
      for (const file of corpusFiles(folder, start))
        for (const line of corpusLines(folder, file).slice(0, 1500)) {
          if (judge('detectXSS', '', line)) yes += 1
          if (judge('detectSQLi', '', line)) yes += 1
        }
    t.ok(yes > 2000, `${yes} found`)
  })
}
