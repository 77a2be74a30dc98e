import t from 'tap'
import { requiredPatterns } from '../../../scanner/yara/required-patterns.js'
import { parseRules } from '../../../scanner/yara/rule-source.js'

const STRINGS = '$a = "marker-a" $b1 = "marker-b-1" $b2 = "marker-b2" $w = "x"'

const required = (condition: string, strings = STRINGS) => {
  const [rule] = parseRules(`rule A { strings: ${strings} condition: ${condition} }`).rules
  return rule && requiredPatterns(rule.condition, rule.patterns)?.names
}

t.test('of what must be found, the patterns that are found least often are named', async (t) => {
  t.strictSame(required('all of them'), ['$b1'])
  t.strictSame(required('$w and $a'), ['$a'])
  t.strictSame(required('filesize < 3 and (all of ($b*) and $a)'), ['$b1'])
  t.strictSame(required('all of ($b2, $w)'), ['$b2'])
  t.strictSame(required('3 of them'), ['$b1', '$b2'])
  t.strictSame(required('any of ($b*)'), ['$b1', '$b2'])
  t.strictSame(required('1 of ($a) and any of them'), ['$a'])
  t.strictSame(required('$a or $b1'), ['$a', '$b1'])
  t.strictSame(required('$a or filesize < 9 and all of ($b*)'), ['$a', '$b1'])
  t.strictSame(required('#a > 3'), ['$a'])
  t.strictSame(required('#a >= 1 or #b1 == 2'), ['$a', '$b1'])
  t.strictSame(required('$a in (0..100) and $w'), ['$a'])
  t.strictSame(required('any of ($b*) in (0..filesize)'), ['$b1', '$b2'])
  t.strictSame(required('int16(uint32(0x3C)) == 1 and ($b1 and not $a)'), ['$b1'])
  t.strictSame(required('($*) and 4 of ($*)'), ['$b1'])
})

t.test('where it is not sure, or what must be found has a place, nothing is named', async (t) => {
  for (const condition of [
    'not $a',
    'not all of them',
    '$a or filesize < 3',
    'not $a and filesize < 3',
    '$a at 0',
    'all of them at 0',
    'any of them at pe.entry_point',
    'none of them',
    '0 of them',
    '5 of them',
    '#a < 3',
    '#a >= 0',
    '#a == 0',
    '#a > #w',
    '#a > 1 + 1',
    '#a in (0..9) > 3',
    '@a < 3',
    'defined $a',
    'for all of them : ( $ )',
    'for any of ($a) : ( # > 3 )',
    'for any i in (0..3) : ( $a )',
    'all of (Other, $a)',
    'any of (1, 2)',
    '50% of them',
    'Other',
    '($a or true)',
  ])
    t.equal(required(condition), undefined, condition)
})

t.test('patterns without a name are not asked for, and count', async (t) => {
  t.equal(required('any of them', '$ = "one" $b = "second"'), undefined)
  t.equal(required('1 of ($*)', '$ = "one" $b = "second"'), undefined)
  t.strictSame(required('all of them', '$ = "one" $b = "second"'), ['$b'])
  t.strictSame(required('2 of them', '$ = "one" $b = "second" $c = "third"'), ['$b', '$c'])
  t.equal(required('2 of them', '$ = "one" $ = "another" $c = "third"'), undefined)
})

t.test('too many alternatives are not worth asking for', async (t) => {
  const strings = Array.from({ length: 65 }, (_, index) => `$p${index} = "pattern ${index}"`).join(' ')
  t.equal(required('any of them', strings), undefined)
  t.equal(required('2 of them', strings)?.length, 64)
})
