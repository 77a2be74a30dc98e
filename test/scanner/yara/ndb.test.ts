import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { YaraRules } from '../../../scanner/engines/yara-rules.js'
import { scanPolicyConfig } from '../../../scanner/policy.js'
import { ruleOfNdb } from '../../../scanner/yara/ndb.js'

const hex = (text: string): string => Buffer.from(text, 'latin1').toString('hex')

/** The numbers of the lines whose rules meet a content. */
const meets = async (folder: string, lines: readonly string[]) => {
  const file = join(folder, 'rules.yar')
  const rules = lines.map((line, number) => {
    const made = ruleOfNdb(line, number)
    if (!made || !('rule' in made)) throw new Error(`${line}: ${JSON.stringify(made)}`)
    return made.rule
  })
  writeFileSync(file, rules.join('\n'))
  const yara = await YaraRules.load([file], 'auto', scanPolicyConfig.parse({}))
  t.strictSame(yara.loaded.problems, [])
  return (content: string): number[] =>
    yara
      .judge(Buffer.from(content, 'latin1'))
      .map(({ rule }) => Number(rule.split('_')[1]))
      .toSorted((a, b) => a - b)
}

t.test('signatures find what they say, where they say', async (t) => {
  const found = await meets(t.testdir(), [
    `Any:0:*:${hex('needle')}`,
    `At.Three:0:3:${hex('needle')}`,
    `Near:0:2,4:${hex('needle')}`,
    `End:0:EOF-6:${hex('needle')}`,
    `Gaps:0:*:${hex('nee')}{2-4}${hex('end')}`,
    `Wild:0:*:${hex('ab')}??${hex('cd')}`,
    `Any.Gap:0:*:${hex('begin')}*${hex('over')}`,
    `Choice:0:*:${hex('x=')}(${hex('one')}|${hex('two')})3b`,
    `Elf:6:*:${hex('needle')}:51:255`,
    `Nibble:0:*:${hex('zz')}6?6a`,
  ])
  t.strictSame(found('...needle...'), [0, 1, 2])
  t.strictSame(found('....needle'), [0, 2, 3])
  t.strictSame(found('nee123end ab_cd'), [4, 5])
  t.strictSame(found('begin and more until over; x=two;'), [6, 7])
  t.strictSame(found('\x7fELF........needle'), [0, 3, 8])
  t.strictSame(found('zzfj'), [9])
  t.strictSame(found('nee12345end x=four;'), [])
})

t.test('what has no equal is refused by name', (t) => {
  for (const [line, why] of [
    [`A:3:*:${hex('html')}`, /target 3/],
    [`A:1:EP+0:${hex('code')}`, /offset EP\+0/],
    [`A:1:S2+4:${hex('code')}`, /offset S2\+4/],
    ['A:0:*:6162!(63|64)65', /bytes/],
    ['A:0:*:6162[2-4]63', /bytes/],
    ['A:0:*:61626', /bytes/],
    ['A:0:*:*6162', /bytes/],
    ['A:0:*:????', /bytes/],
    ['A:0:*:', /bytes/],
    [':0:*:6162', /name/],
    ['a b:0:*:6162', /name/],
  ] as const)
    t.match(ruleOfNdb(line, 1), { refused: why }, line)
  for (const line of ['', '  ', '# comment']) t.equal(ruleOfNdb(line, 1), undefined)
  t.match(ruleOfNdb('Evil"\\name:0:*:6162', 1), { rule: /description = "Evil\\"\\\\name"/ })
  t.end()
})

t.test('any line is a rule, a refusal or nothing, soon', (t) => {
  fc.assert(
    fc.property(fc.string(), fc.stringMatching(/^[0-9a-f?*(){}|!-]{0,60}$/), (name, bytes) => {
      ruleOfNdb(`${name}:0:*:${bytes}`, 1)
    }),
  )
  for (const unit of ['(aa|', '{1-', '*', 'aa', '(aaaa', '??'])
    t.ok(ruleOfNdb(`A:0:*:${unit.repeat(30_000 / unit.length)}`, 1))
  t.end()
})
