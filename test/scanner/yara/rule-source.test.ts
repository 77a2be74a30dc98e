import fc from 'fast-check'
import t from 'tap'
import { parseRules } from '../../../scanner/yara/rule-source.js'

const SOURCE = `
import "pe" // a comment with rule Fake { condition: true }
/* rule Fake2 { condition: true } */
private global rule First : tag1 {
  meta: text = "rule Fake3 { condition: /* "
  strings:
    $a = "}" $b = /[{}\\/"]+/i $ = "anonymous"
    $c = { 41 ( 42 | 43 ) // inside
           [2-4] 44 }
  condition:
    // a comment
    pe.is_pe and ( #a > 1 or 2 of ($b*) )
}
rule Second { condition: First }`

t.test('rules are found whatever their strings, patterns and comments hold', async (t) => {
  const { rules, imports, problem } = parseRules(SOURCE)
  t.equal(problem, undefined)
  t.strictSame(
    imports.map(({ module, start, end }) => [module, SOURCE.slice(start, end)]),
    [['pe', 'import "pe"']],
  )
  const [first, second] = rules
  if (!first || !second) throw new Error('two rules')
  t.equal(rules.length, 2)
  t.match(first, { name: 'First', isGlobal: true })
  t.strictSame(
    first.patterns.map(({ name, text }) => [name, text]),
    [
      ['$a', '"}"'],
      ['$b', '/[{}\\/"]+/i'],
      ['$', '"anonymous"'],
      ['$c', '{ 41 ( 42 | 43 ) // inside\n           [2-4] 44 }'],
    ],
  )
  for (const { text, end } of first.patterns) t.ok(SOURCE.slice(0, end).endsWith(text), text)
  t.equal(SOURCE.slice(first.start, first.start + 14), 'private global')
  t.equal(SOURCE[first.end - 1], '}')
  t.ok(SOURCE.slice(first.conditionStart).startsWith('pe.is_pe and'))
  t.strictSame(first.condition.slice(0, 5), ['pe.is_pe', 'and', '(', '#a', '>'])
  t.match(second, { name: 'Second', isGlobal: false, condition: ['First'] })
})

t.test('modifiers belong to their pattern, comments behind it do not', async (t) => {
  const { rules } = parseRules(
    'rule A { strings: $a = "x" base64("=") wide // $c = "no"\n $b = "y" /* $d = 1 */ condition: all of them }',
  )
  t.strictSame(
    rules[0]?.patterns.map(({ name, text }) => [name, text]),
    [
      ['$a', '"x" base64("=") wide'],
      ['$b', '"y"'],
    ],
  )
})

t.test('what is not closed is told, since it would swallow the next file', async (t) => {
  const problem = (source: string) => parseRules(source).problem
  const message = 'what begins here is not closed'
  t.strictSame(problem('rule A { condition: true } /* open'), { start: 27, message })
  t.strictSame(problem('rule A { condition: true }\nrule B { condition: true'), { start: 27, message })
  t.strictSame(problem('rule A { strings: $a = { 41 condition: $a }'), { start: 0, message })
})

t.test('what is neither rule nor import is told', async (t) => {
  const problem = (source: string) => parseRules(source).problem
  const message = 'this is neither a rule nor an import'
  t.strictSame(problem('rule A { condition: true }\nthese are no rules'), { start: 27, message })
  t.strictSame(problem('include "other.yar"'), { start: 0, message })
})

t.test('hostile texts take linear time', async () => {
  for (const piece of ['"\\"', '/a\\/', '/*', '*/', '{', 'rule a{', '"', '/', 'a.', '// '])
    parseRules(`rule A { strings: $a = ${piece.repeat(300_000)}`)
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('rule ', 'A', '{', '}', '"', '/', '*', '\n', ':', 'condition', '=', '\\'), {
        maxLength: 200,
      }),
      (parts) => {
        parseRules(parts.join(''))
      },
    ),
  )
})
