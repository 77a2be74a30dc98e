import fc from 'fast-check'
import t from 'tap'
import { LINEAR, growth } from './linear.js'
import { SecLangError, type SecLangErrorCode } from '../../../detectors/seclang/errors.js'
import { parseActions } from '../../../detectors/seclang/parser/actions.js'
import { parseDirectives } from '../../../detectors/seclang/parser/directives.js'
import { logicalLines } from '../../../detectors/seclang/parser/lines.js'
import { parseOperator } from '../../../detectors/seclang/parser/operator.js'
import { parseVariables } from '../../../detectors/seclang/parser/variables.js'
import { splitWords } from '../../../detectors/seclang/parser/words.js'
import { compile } from './profile.js'

const HERE = { file: 'x.conf', line: 1 }

t.test('lines', (t) => {
  const text = '# note\n\nA b \\\n  c\r\n#x \\\n#y\nD \\\nE'
  t.same(
    [...logicalLines(text)].map((line) => [line.number, line.text]),
    [
      [3, 'A b   c'],
      [7, 'D E'],
    ],
  )
  t.end()
})

t.test('a comment that swallows a directive warns', (t) => {
  const warnings: string[] = []
  const ruleSet = compile('# path C:\\\nSecAction "id:1,phase:1,deny"\nSecAction "id:2,phase:1,pass"', {
    warnings,
  })
  t.same([...ruleSet.rules.keys()], [2])
  t.same(warnings, ['/rules/test.conf:1: a comment that ends in a backslash swallows the lines after it'])
  t.end()
})

t.test('words', (t) => {
  t.same(splitWords(`A  "b c" 'd "e' f\\g "h\\"i\\\\" ""`, HERE), ['A', 'b c', 'd "e', 'f\\g', 'h"i\\\\', ''])
  t.end()
})

t.test('variables', (t) => {
  const shown = parseVariables(
    `args|!ARGS:/a|b/|&TX:n|XML:/*|ARGS:'/x\\/y/',REQUEST_HEADERS:"User-Agent"`,
    HERE,
  )
  t.same(shown, [
    { collection: 'ARGS', count: false, exclude: false },
    { collection: 'ARGS', selector: { kind: 'regex', pattern: 'a|b' }, count: false, exclude: true },
    { collection: 'TX', selector: { kind: 'key', key: 'n' }, count: true, exclude: false },
    { collection: 'XML', selector: { kind: 'xpath', expression: '/*' }, count: false, exclude: false },
    { collection: 'ARGS', selector: { kind: 'regex', pattern: 'x\\/y' }, count: false, exclude: false },
    {
      collection: 'REQUEST_HEADERS',
      selector: { kind: 'key', key: 'User-Agent' },
      count: false,
      exclude: false,
    },
  ])
  t.end()
})

t.test('operators', (t) => {
  t.same(parseOperator('! @within a b', HERE), { name: 'within', negated: true, argument: 'a b' })
  t.same(parseOperator('^a', HERE), { name: 'rx', negated: false, argument: '^a' })
  t.same(parseOperator('@unconditionalMatch', HERE), {
    name: 'unconditionalMatch',
    negated: false,
    argument: '',
  })
  t.end()
})

t.test('actions', (t) => {
  t.same(parseActions(`id:1, phase : 2,deny,msg:'it\\'s, so', setvar:tx.a='b, c',tag:x`, HERE), [
    { name: 'id', argument: '1' },
    { name: 'phase', argument: '2' },
    { name: 'deny' },
    { name: 'msg', argument: "it's, so" },
    { name: 'setvar', argument: 'tx.a=b, c' },
    { name: 'tag', argument: 'x' },
  ])
  t.end()
})

t.test('every error names its place', (t) => {
  const cases: readonly (readonly [rules: string, code: SecLangErrorCode, about: RegExp])[] = [
    ['SecRule ARGS "x', 'SECLANG_SYNTAX', /never closed/],
    ['SecRule ARGS', 'SECLANG_SYNTAX', /two or three arguments/],
    ['SecRule "ARGS" "x" "id:1" more', 'SECLANG_SYNTAX', /two or three arguments/],
    ['SecRule ARGS "x"y "id:1"', 'SECLANG_SYNTAX', /right after a closing/],
    ['SecRule | "x" "id:1"', 'SECLANG_SYNTAX', /no variable name/],
    ['SecRule ARGS:/x "x" "id:1"', 'SECLANG_SYNTAX', /never closed/],
    ['SecRule &!ARGS "x" "id:1"', 'SECLANG_SYNTAX', /cannot stand together/],
    ['SecRule ARGS "@ x" "id:1"', 'SECLANG_SYNTAX', /operator name is missing/],
    ['SecAction "id:1,"', 'SECLANG_SYNTAX', /ends in a comma/],
    ['SecAction "id:1,msg:\'x"', 'SECLANG_SYNTAX', /never closed/],
    ['SecAction "id:1,msg:\'x\'y"', 'SECLANG_SYNTAX', /comma is missing/],
    ['SecAction "id:1,chain"', 'SECLANG_SYNTAX', /chain of rule 1/],
    ['SecAction "id:1,chain"\nSecMarker X', 'SECLANG_SYNTAX', /chain of rule 1/],
    ['SecNoSuch On', 'SECLANG_UNKNOWN_DIRECTIVE', /SecNoSuch/],
    ['SecRule NO_SUCH "x" "id:1"', 'SECLANG_UNKNOWN_VARIABLE', /NO_SUCH/],
    ['SecRule ARGS "@noSuch x" "id:1"', 'SECLANG_UNKNOWN_OPERATOR', /@noSuch/],
    ['SecRule ARGS "x" "id:1,t:noSuch"', 'SECLANG_UNKNOWN_TRANSFORMATION', /noSuch/],
    ['SecAction "id:1,nosuch"', 'SECLANG_UNKNOWN_ACTION', /nosuch/],
    ['SecAction "id:0"', 'SECLANG_BAD_ARGUMENT', /whole number/],
    ['SecAction "id:1,phase:6"', 'SECLANG_BAD_ARGUMENT', /phase:6/],
    ['SecAction "id:1,severity:LOUD"', 'SECLANG_BAD_ARGUMENT', /LOUD/],
    ['SecAction "id:1,msg"', 'SECLANG_BAD_ARGUMENT', /wants a value/],
    ['SecAction "id:1,deny:now"', 'SECLANG_BAD_ARGUMENT', /takes no value/],
    ['SecAction "id:1,setvar:x=1"', 'SECLANG_BAD_ARGUMENT', /collection.name/],
    ['SecAction "id:1,setvar:args.x=1"', 'SECLANG_BAD_ARGUMENT', /TX, ENV/],
    ['SecAction "id:1,ctl:noSuch=1"', 'SECLANG_BAD_ARGUMENT', /no such option/],
    ['SecAction "id:1,ctl:ruleRemoveById=x"', 'SECLANG_BAD_ARGUMENT', /rule id/],
    ['SecRule REQUEST_URI:x "y" "id:1"', 'SECLANG_BAD_ARGUMENT', /takes no selector/],
    ['SecRule ARGS:/(?>a|ab)c/ "y" "id:1"', 'SECLANG_PATTERN', /of names sees \d+ bytes/],
    ['SecRule XML:/a[last()] "y" "id:1"', 'SECLANG_BAD_ARGUMENT', /not understood/],
    ['SecAction "id:1,chain"\nSecAction "deny"', 'SECLANG_BAD_ARGUMENT', /first rule of a chain/],
    ['SecDefaultAction "phase:1,deny,id:4"', 'SECLANG_BAD_ARGUMENT', /default action/],
    ['SecDefaultAction "deny"', 'SECLANG_BAD_ARGUMENT', /wants a phase/],
    ['SecDefaultAction "phase:1,log"', 'SECLANG_BAD_ARGUMENT', /pass, deny/],
    ['SecRuleEngine Perhaps', 'SECLANG_BAD_ARGUMENT', /on, off, detectiononly/],
    ['SecArgumentsLimit many', 'SECLANG_BAD_ARGUMENT', /whole number/],
    ['SecRuleScript x.lua', 'SECLANG_REFUSED', /Lua/],
    ['SecXmlExternalEntity On', 'SECLANG_REFUSED', /never loaded/],
    ['SecAction "id:1,exec:/bin/x"', 'SECLANG_REFUSED', /do not start programs/],
    ['SecRule FILES_TMPNAMES "x" "id:1"', 'SECLANG_REFUSED', /no temporary file/],
    ['SecAction "id:1"\nSecAction "id:1"', 'SECLANG_DUPLICATE_ID', /already defined at \/rules\/test.conf:2/],
    ['Include missing.conf', 'SECLANG_INCLUDE', /cannot read/],
  ]
  for (const [rules, code, about] of cases) {
    const error = failure(`\n${rules}`)
    t.equal(error?.code, code, rules)
    t.match(error?.message, about, rules)
    t.match(error?.message, /^\/rules\/test\.conf:[23]: /, rules)
  }
  t.equal(cases.length, 42)
  t.end()
})

t.test('includes', (t) => {
  const files = {
    '/rules/a/1.conf': 'SecAction "id:1,phase:1,pass"\nInclude /b.conf',
    '/rules/a/2.conf': 'SecAction "id:2,phase:1,pass"',
    '/b.conf': 'SecAction "id:3,phase:1,pass"',
    '/loop.conf': 'Include /loop2.conf',
    '/loop2.conf': 'Include /loop.conf',
  }
  t.same([...compile('Include a/*.conf\nIncludeOptional none/*.conf', { files }).rules.keys()], [1, 3, 2])
  t.match(failure('Include none/*.conf', files)?.message, /no file matches/)
  t.match(failure('Include /loop.conf', files)?.message, /^\/loop2\.conf:1: .*includes itself/)
  const deep = Object.fromEntries(
    Array.from({ length: 20 }, (_, n) => [`/d${n}.conf`, `Include /d${n + 1}.conf`]),
  )
  t.match(failure('Include /d0.conf', deep)?.message, /deeper than 16/)
  t.equal(
    failure('Include a/bad.conf', { '/rules/a/bad.conf': '\nSecBad x' })?.position.file,
    '/rules/a/bad.conf',
  )
  t.end()
})

function failure(rules: string, files: Readonly<Record<string, string>> = {}): SecLangError | undefined {
  try {
    compile(rules, { files })
    return undefined
  } catch (error) {
    if (error instanceof SecLangError) return error
    throw error
  }
}

t.test('no text makes the parser throw anything but its error', (t) => {
  const piece = fc.constantFrom(
    'SecRule ',
    'SecAction ',
    'SecMarker ',
    'ARGS',
    '|',
    '!',
    '&',
    ':',
    '/',
    '"',
    "'",
    '\\',
    '\n',
    '\\\n',
    ' ',
    '#',
    '@rx ',
    '@',
    'id:1',
    ',',
    'chain',
    'setvar:',
    "tx.a='b'",
    '%{',
    '}',
    'XML:/*',
    '(',
    '[',
    '\xff',
    '\0',
    'Include ',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      try {
        compile(pieces.join(''))
      } catch (error) {
        return error instanceof SecLangError && error.position.line >= 1
      }
      return true
    }),
    { numRuns: 3000 },
  )
  t.end()
})

t.test('parsing takes linear time', (t) => {
  const make: Readonly<Record<string, (n: number) => () => unknown>> = {
    'many rules': (n) => parsing('SecRule ARGS:a|!ARGS:/b/ "@rx x" "id:1,msg:\'y\'"\n'.repeat(n / 8)),
    'one line of continuations': (n) => parsing(`SecAction "${'tag:x,\\\n'.repeat(n)}tag:y"`),
    'a long quoted word': (n) => parsing(`SecRule ARGS "${'\\"\\\\'.repeat(n)}" "id:1"`),
    'a long selector': (n) => parsing(`SecRule ARGS:/${'\\/'.repeat(n)}/ "x" "id:1"`),
    'a long value': (n) => parsing(`SecAction "id:1,msg:'${"\\'".repeat(n)}'"`),
    spaces: (n) => parsing(`SecRule${' '.repeat(n * 4)}ARGS "x"`),
    comments: (n) => parsing('# x \\\n#\n'.repeat(n)),
  }
  for (const [name, at] of Object.entries(make)) {
    const ratio = growth(at, 2500)
    t.ok(ratio < LINEAR, `${name}: ${ratio.toFixed(1)} times for 8 times the input`)
  }
  t.end()
})

function parsing(text: string): () => void {
  return () => {
    for (const node of parseDirectives(text, 'x', () => undefined)) void node
  }
}
