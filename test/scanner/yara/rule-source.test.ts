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
  const { rules, imports, unclosed } = parseRules(SOURCE)
  t.equal(unclosed, undefined)
  t.strictSame(
    imports.map(({ module, start, end }) => [module, SOURCE.slice(start, end)]),
    [['pe', 'import "pe"']],
  )
  const [first, second] = rules
  if (!first || !second) throw new Error('two rules')
  t.equal(rules.length, 2)
  t.match(first, { name: 'First', isGlobal: true, patterns: ['$a', '$b', '$c'] })
  t.equal(SOURCE.slice(first.start, first.start + 14), 'private global')
  t.equal(SOURCE[first.end - 1], '}')
  t.ok(SOURCE.slice(first.conditionStart).startsWith('pe.is_pe and'))
  t.strictSame(first.condition.slice(0, 5), ['pe.is_pe', 'and', '(', '#a', '>'])
  t.match(second, { name: 'Second', isGlobal: false, condition: ['First'] })
})

t.test('what is not closed is told, since it would swallow the next file', async (t) => {
  t.equal(parseRules('rule A { condition: true } /* open').unclosed, 27)
  t.equal(parseRules('rule A { condition: true }\nrule B { condition: true').unclosed, 27)
  t.equal(parseRules('rule A { strings: $a = { 41 condition: $a }').unclosed, 0)
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
