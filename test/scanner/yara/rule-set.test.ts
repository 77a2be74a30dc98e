import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import type { YaraEngine } from '../../../scanner/yara/engine.js'
import { loadNativeEngine } from '../../../scanner/yara/native-engine.js'
import { readRuleFiles, type RuleProblem } from '../../../scanner/yara/rule-files.js'
import { RuleSet } from '../../../scanner/yara/rule-set.js'
import { loadWasmEngine } from '../../../scanner/yara/wasm-engine.js'

const compile = (engine: YaraEngine, texts: Readonly<Record<string, string>>) => {
  const problems: RuleProblem[] = []
  const files = Object.entries(texts).map(([file, text]) => ({ file, text }))
  return { rules: RuleSet.compile(files, engine, problems), problems }
}

const names = (rules: RuleSet, content: string): readonly string[] =>
  rules
    .scan(Buffer.from(content, 'latin1'))
    .map(({ rule }) => rule)
    .sort()

/** Rules of every group, with references between the groups. */
const MIXED = `
import "pe"
import "math"
rule Any { strings: $a = "marker" $b = "second" condition: all of them }
rule Mz { strings: $a = "marker" condition: uint16(0) == 0x5a4d and $a }
rule Elf { strings: $a = "marker" condition: uint32(0) == 0x464c457f and $a }
rule Script { strings: $a = "marker" condition: uint16(0) == 0x2123 and $a }
private rule Hidden { strings: $a = "marker" condition: $a }
rule RefersToMz { strings: $a = "second" condition: $a and Mz }
rule MzRefers { condition: uint16(0) == 0x5a4d and Any and Hidden }
rule Counts { strings: $a = "x" condition: #a > 200 }
rule Late { strings: $a = "marker" condition: for any i in (1..#a) : ( @a[i] > 300 ) }
rule Pe { condition: pe.is_pe and math.entropy(0, filesize) > 9.0 }
rule Small { strings: $a = "second" condition: filesize < 20 and $a }
rule Large { strings: $a = "second" condition: filesize > 300 and $a }
rule Anchored { strings: $a = "MARKER" nocase condition: $a at 0 }
rule External { condition: filename == "" and filesize == 3 }
`

/** What the conditions of {@link MIXED} say, in another language. */
function expectedOf(content: string): string[] {
  const has = (text: string): boolean => content.includes(text)
  const mz = content.startsWith('MZ')
  const count = (text: string): number => content.split(text).length - 1
  const rules: Readonly<Record<string, boolean>> = {
    Any: has('marker') && has('second'),
    Mz: mz && has('marker'),
    Elf: content.startsWith('\x7fELF') && has('marker'),
    Script: content.startsWith('#!') && has('marker'),
    RefersToMz: mz && has('marker') && has('second'),
    MzRefers: mz && has('marker') && has('second'),
    Counts: count('x') > 200,
    Late: content.lastIndexOf('marker') > 300,
    Small: content.length < 20 && has('second'),
    Large: content.length > 300 && has('second'),
    Anchored: content.startsWith('marker'),
    External: content.length === 3,
  }
  return Object.keys(rules).filter((name) => rules[name])
}

for (const load of [loadNativeEngine, loadWasmEngine])
  t.test(`with ${load.name}`, async (t) => {
    const engine = await load()

    t.test('a content meets exactly the rules that it meets without groups', async (t) => {
      const { rules, problems } = compile(engine, { mixed: MIXED })
      t.strictSame(problems, [])
      t.equal(rules.size, 14)
      t.strictSame(names(rules, 'MZ marker second'), ['Any', 'Mz', 'MzRefers', 'RefersToMz', 'Small'])
      t.strictSame(names(rules, '\x7fELF marker'), ['Elf'])
      t.strictSame(names(rules, '#! marker'), ['Script'])
      t.strictSame(names(rules, 'x'.repeat(201)), ['Counts'])
      t.strictSame(names(rules, 'marker' + ' '.repeat(400) + 'marker'), ['Anchored', 'Late'])
      t.strictSame(names(rules, 'abc'), ['External'])
      t.strictSame(names(rules, ''), [])
      t.strictSame(names(rules, 'M'), [])
      const expected = (content: string): string => expectedOf(content).sort().join()
      const parts = fc.constantFrom(
        'MZ',
        '\x7fELF',
        '#!',
        'marker',
        'second',
        ' '.repeat(301),
        'x'.repeat(201),
      )
      fc.assert(
        fc.property(fc.array(parts, { maxLength: 5 }), (pieces) => {
          const content = pieces.join('')
          return names(rules, content).join() === expected(content)
        }),
        { numRuns: engine.name === 'native' ? 500 : 20 },
      )
    })

    t.test('what does not compile is named by file and line, and the rest is loaded', async (t) => {
      const good = (name: string) => `rule ${name} { strings: $a = "marker" condition: $a }\n`
      const { rules, problems } = compile(engine, {
        'one.yar': good('One') + 'rule Bad {\n  condition: $missing\n}\n' + good('Two'),
        'needs.yar': good('Three') + 'rule Needs { condition: Bad }',
        'open.yar': good('Lost') + '/* never closed',
        'again.yar': good('One') + good('Four'),
        'words.yar': good('Lost2') + 'these are no rules\n',
        'last.yar': '*/ '.slice(2) + good('Five'),
      })
      t.strictSame(names(rules, 'marker'), ['Five', 'Four', 'One', 'Three', 'Two'])
      t.equal(rules.size, 5)
      t.match(
        new Map(problems.map((problem) => [`${problem.file}:${problem.line}`, problem.rule ?? 'whole file'])),
        new Map([
          ['open.yar:2', 'whole file'],
          ['one.yar:3', 'Bad'],
          ['again.yar:1', 'One'],
          ['words.yar:2', 'whole file'],
          ['needs.yar:2', 'Needs'],
        ]),
      )
    })
  })

t.test('folders are read with their packs, and what cannot be read is said', async (t) => {
  const pack = { name: 'p', version: '2', source: 's', license: 'MIT', severity: 'note' }
  const folder = t.testdir({
    pack: {
      'pack.json': JSON.stringify(pack),
      sub: { 'a.yara': 'rule A { condition: true }' },
      'read.me': 'x',
    },
    'latin.yar': Buffer.from('rule \xe4 { condition: true }', 'latin1'),
    broken: { 'pack.json': '{"name": "P"}' },
  })
  const problems: RuleProblem[] = []
  const files = readRuleFiles([join(folder, 'pack'), join(folder, 'latin.yar')], problems)
  t.match(files, [{ file: join(folder, 'pack', 'sub', 'a.yara'), pack }])
  t.strictSame(problems, [{ file: join(folder, 'latin.yar'), message: 'is not UTF-8' }])
  t.throws(() => readRuleFiles([join(folder, 'broken')], []), {
    code: 'SCAN_YARA_RULES',
    message: /pack\.json: name/,
  })
  t.throws(() => readRuleFiles([join(folder, 'none')], []), { code: 'SCAN_YARA_RULES', message: /none/ })
})
