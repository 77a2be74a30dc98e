import fc from 'fast-check'
import t from 'tap'
import { loadNativeEngine } from '../../../scanner/yara/native-engine.js'
import { RuleSet } from '../../../scanner/yara/rule-set.js'
import { loadWasmEngine } from '../../../scanner/yara/wasm-engine.js'

/** What contents are put together from, and patterns look for. */
const WORDS = ['alpha-word', 'beta-word', 'gamma-word', 'delta', 'xy', 'MZ', '#!', 'function']

const PATTERNS = [
  ...WORDS.map((word) => JSON.stringify(word)),
  '"ALPHA-WORD" nocase',
  '"beta-word" wide ascii private',
  '{ 67 61 6d 6d 61 2d ?? 6f 72 64 } // gamma',
  '/(alpha|beta)-w[a-z]{2}d/',
  '"delta" fullword',
]

const name = fc.constantFrom('$a', '$b', '$c1', '$c2')
const set = fc.constantFrom('them', '($*)', '($c*)', '($a, $c*)', '($b, $c2)', '($a)')
// Not '0': releases of YARA-X differ in whether that means none or any number.
const quantity = fc.constantFrom('any', 'all', 'none', '1', '2', '3')

const { condition } = fc.letrec<{ condition: string; term: string }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'condition' },
    tie('term'),
    fc
      .tuple(tie('condition'), fc.constantFrom('and', 'or'), tie('condition'))
      .map((parts) => parts.join(' ')),
    tie('condition').map((inner) => `( ${inner} )`),
    tie('condition').map((inner) => `not ( ${inner} )`),
  ),
  term: fc.oneof(
    name,
    name.map((pattern) => `not ${pattern}`),
    fc.tuple(name, fc.constantFrom('at 0', 'in (0..9)', 'at filesize - 2')).map((parts) => parts.join(' ')),
    fc
      .tuple(name, fc.constantFrom('> 1', '>= 1', '== 0', '< 2', '== 1', '> #b', '> 1 - 1'))
      .map(([pattern, rest]) => `#${pattern.slice(1)} ${rest}`),
    name.map((pattern) => `@${pattern.slice(1)} > 3`),
    fc
      .tuple(quantity, set, fc.constantFrom('', ' in (0..20)', ' at 0'))
      .map(([q, s, at]) => `${q} of ${s}${at}`),
    fc.tuple(quantity, set).map(([q, s]) => `for ${q} of ${s} : ( # > 1 )`),
    fc.constantFrom('filesize < 20', 'uint16(0) == 0x5a4d', 'uint16be(0) == 0x2321', 'true', 'Referred'),
  ),
}))

/** Patterns that a condition does not name are an error: one more term names them all, and changes nothing. */
const rule = fc.tuple(fc.array(fc.constantFrom(...PATTERNS), { minLength: 4, maxLength: 4 }), condition).map(
  ([[a, b, c1, c2], text]) =>
    (index: number) => `rule Rule${index} {
  strings: ${[`$a = ${a}`, `$b = ${b}`, `$c1 = ${c1}`, `$c2 = ${c2}`].join('\n')}
  condition: ( ${text} ) or ( filesize < 0 and any of them ) }`,
)

const source = fc
  .array(rule, { minLength: 300, maxLength: 300 })
  .map((rules) =>
    [
      'rule Referred { strings: $a = "gamma-word" condition: $a }',
      'rule probe_0 { strings: $a = "alpha-word" condition: $a }',
      ...rules.map((text, index) => text(index)),
    ].join('\n'),
  )

/** Large enough to be searched without a probe. */
const PADDING = Buffer.alloc(128 * 1024)

const content = fc
  .array(fc.constantFrom(...WORDS, ' ', '\n', 'b\0e\0t\0a\0-\0w\0o\0r\0d\0'), { maxLength: 8 })
  .map((parts) => Buffer.from(parts.join('')))

for (const { load, numRuns } of [
  { load: loadNativeEngine, numRuns: Number(process.env['PORTCULLIS_FUZZ_RULE_SETS'] ?? 5) },
  { load: loadWasmEngine, numRuns: 1 },
])
  t.test(`${load.name}: with probes, a content meets exactly the rules that it meets without`, async (t) => {
    const plain = await loadNativeEngine()
    const engine = await load()
    const names = (matches: readonly { readonly rule: string }[]): string[] =>
      matches.map((match) => match.rule).sort()
    const seed = Number(process.env['PORTCULLIS_FUZZ_SEED'] ?? Date.now())
    let found = 0
    for (const text of fc.sample(source, { numRuns, seed })) {
      const expected = plain.compile(text)
      const rules = RuleSet.compile([{ file: 'rules.yar', text }], engine, [])
      t.equal(rules.size, 302)
      const small = fc.sample(content, { numRuns: 40, seed })
      const large = small.slice(0, 4).map((bytes) => Buffer.concat([bytes, PADDING]))
      for (const bytes of [...small, ...large]) {
        const theirs = names(expected.scan(bytes))
        t.strictSame(
          names(rules.scan(bytes)),
          theirs,
          `seed ${seed}, ${JSON.stringify(bytes.toString('latin1', 0, 200))}`,
        )
        found += theirs.length
      }
    }
    t.ok(found > 1000, 'rules were met')
  })
