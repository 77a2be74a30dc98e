import t from 'tap'
import { SecLangError } from '../../../../detectors/seclang/errors.js'
import { compilePattern } from '../../../../detectors/seclang/pcre/index.js'

const position = { file: 'test.conf', line: 3 }
const compile = (source: string) => compilePattern(source, position)

function groupsOf(source: string, value: string): readonly (string | undefined)[] | undefined {
  const found = compile(source).exec(value)
  if (found === undefined) return undefined
  return Array.from({ length: found.length / 2 }, (_, index) => {
    const start = found[index * 2] ?? -1
    return start < 0 ? undefined : value.slice(start, found[index * 2 + 1])
  })
}

// [pattern, value, whether it matches]
const cases: readonly (readonly [string, string, boolean])[] = [
  ['a.c', 'a\nc', true],
  ['(?-s)a.c', 'a\nc', false],
  ['abc$', 'abc\n', false],
  ['(?m)abc$', 'abc\nx', true],
  ['(?m)^b', 'a\nb', true],
  ['(?m)^', 'a\n', true],
  ['(?m)\n^$', 'a\n', false],
  ['^b', 'a\nb', false],
  ['\\Aa\\z', 'a', true],
  ['a\\Z', 'a\n', true],
  ['a\\z', 'a\n', false],
  ['(?i)SeLeCt', 'sElEcT', true],
  ['(?i:a)b', 'AB', false],
  ['a(?i)b|c', 'C', true],
  ['(?i)\\xe9', '\xc9', false],
  ['[[:alpha:]]+[[:^digit:]]', 'ab!', true],
  ['[]a]+', ']]', true],
  ['[^]a]', ']', false],
  ['[a\\]]', ']', true],
  ['[\\w-.]', '-', true],
  ['[\\s\\x0b-"]', '!', true],
  ['[a-\\d]', '-', true],
  ['\\x{e2}\\x80[\\x98\\x99]', '\xe2\x80\x99', true],
  ['\\x4', '\x04', true],
  ['\\012', '\n', true],
  ['\\o{101}', 'A', true],
  ['\\cA', '\x01', true],
  ['\\e\\a\\f', '\x1b\x07\x0c', true],
  ['\\h\\v', '\xa0\x85', true],
  ['\\s', '\x0b', true],
  ['\\s', '\xa0', false],
  ['\\N', '\n', false],
  ['a\\Rb', 'a\r\nb', true],
  ['\\Qa.b\\E+', 'a.bb', true],
  ['\\Qa.b', 'axb', false],
  ['(?x) a b # comment\n c', 'abc', true],
  ['a(?#comment)b', 'ab', true],
  ['^a(?#comment){2}$', 'aa', true],
  ['^a\\E{2}\\Q\\E?$', 'a', false],
  ['^(?x: a {2} + )$', 'aaa', false],
  ['^\\Qab\\E(?#c)+$', 'abb', true],
  ['a{2}', 'aa', true],
  ['a{,2}', 'a{,2}', true],
  ['a{x', 'a{x', true],
  ['a{2,}b', 'aaab', true],
  ['\\bfoo\\b', 'a foo.', true],
  ['\\bfoo\\b', 'afoo', false],
  ['foo\\B', 'foox', true],
  ['<\\?(?!xml)', '<?php', true],
  ['<\\?(?!xml)', '<?xml', false],
  ['(?<=a)b', 'ab', true],
  ['(?<!a)b', 'ab', false],
  ['(?=.*\\d)(?=.*[a-z])x', 'x1', true],
  ['(?=.*\\d)x', 'x', false],
  ['(a|b)\\1', 'bb', true],
  ['(a|b)\\1', 'ab', false],
  ['(?<q>[\'"])x\\k<q>', '"x"', true],
  ['(?P<q>[\'"])x(?P=q)', '\'x"', false],
  ['(a)\\g{-1}', 'aa', true],
  ['a*+a', 'aaa', false],
  ['(?>a|ab)c', 'abc', false],
  ['[^"]*+"', 'abc"', true],
  ['x\\Ky', 'xy', true],
  ['()', '', true],
  ['a||b', '', true],
  ['(a*)*$', 'aab', true],
]

t.test('patterns mean what PCRE means', async (t) => {
  for (const [source, value, expected] of cases)
    t.equal(compile(source).test(value), expected, `${source} on ${JSON.stringify(value)}`)
})

t.test('groups hold what PCRE captures', async (t) => {
  t.strictSame(groupsOf('(a+)(b*)', 'xxaab'), ['aab', 'aa', 'b'])
  t.strictSame(groupsOf('(a|ab)(c|bcd)', 'abcd'), ['abcd', 'a', 'bcd'])
  t.strictSame(groupsOf('(a+?)(a*)', 'aaa'), ['aaa', 'a', 'aa'])
  t.strictSame(
    groupsOf('(?:(a)|b)*', 'ab'),
    ['ab', 'a'],
    'a group keeps its last text over rounds that do not touch it',
  )
  t.strictSame(groupsOf('(a)|(b)', 'b'), ['b', undefined, 'b'])
  t.strictSame(groupsOf('x\\Ky', 'xy'), ['y'])
  t.strictSame(groupsOf('(\\w)(\\w)\\2\\1', '-abba-'), ['abba', 'a', 'b'])
  t.strictSame(groupsOf('(?>(a+))b', 'aab'), ['aab', 'aa'])
  t.equal(groupsOf('a', 'b'), undefined)
})

t.test('each pattern is classed by how its time is limited', async (t) => {
  t.equal(compile('(a+)+$').classification, 'linear')
  t.equal(compile('(?=a)\\w+').classification, 'linear')
  t.equal(
    compile('[^"]*+"').classification,
    'linear',
    'a possessive repeat that changes nothing needs no backtracking',
  )
  const reference = compile('(["\']).*?\\1')
  t.equal(reference.classification, 'bounded')
  t.ok((reference.bound ?? 0) >= 64)
  const long = 'x'.repeat(reference.bound ?? 0) + '"x"'
  t.notOk(reference.test(long), 'what lies behind the bound is not seen')
})

t.test('what cannot be honoured is refused with file, line and reason', async (t) => {
  const refused: readonly (readonly [string, RegExp])[] = [
    ['(', /not closed/],
    ['a)', /closes nothing/],
    ['*a', /repeats nothing/],
    ['a**', /quantifier/],
    ['a*(?#c)\\E*', /quantifier/],
    ['x|{2}', /repeats nothing/],
    ['(?#c){2}', /repeats nothing/],
    ['[a', /not closed/],
    ['[b-a]', /backwards/],
    ['[[:nope:]]', /POSIX/],
    ['a{3,2}', /out of order/],
    ['a{70000}', /exceeds/],
    ['\\x{100}', /no byte/],
    ['\\y', /not supported/],
    ['\\p{L}', /not supported/],
    ['(?R)', /not supported/],
    ['(?(1)a|b)', /not supported/],
    ['(?|a|b)', /not supported/],
    ['(*UTF8)a', /verbs/],
    ['(?<n>a)(?<n>b)', /named n/],
    ['\\2(a)', /missing group/],
    ['(a)?\\1', /taken part/],
    ['(?i)(a)\\1', /\(\?i\)/],
    ['((a*)*)\\1', /exponential/],
    ['(a|aa)+\\1'.replace('\\1', '(b)\\2'), /exponential/],
    ['(?:a{1000}){1000}', /./],
    ['('.repeat(300) + ')'.repeat(300), /deeply/],
    ['a\\', /ends the pattern/],
  ]
  for (const [source, reason] of refused) {
    try {
      compile(source)
      t.fail(`${source} was taken`)
    } catch (error) {
      if (!(error instanceof SecLangError)) throw error
      t.equal(error.code, 'SECLANG_PATTERN')
      t.match(error.message, reason, source)
      t.match(error.message, /^test\.conf:3: /)
    }
  }
})
