import t from 'tap'
import { SecLangError } from '../../../../detectors/seclang/errors.js'
import { emitJs } from '../../../../detectors/seclang/pcre/emit-js.js'
import { PatternError } from '../../../../detectors/seclang/pcre/errors.js'
import { compilePattern } from '../../../../detectors/seclang/pcre/index.js'
import { compileProgram } from '../../../../detectors/seclang/pcre/compile-program.js'
import { parsePattern } from '../../../../detectors/seclang/pcre/parser.js'
import { PikeVm } from '../../../../detectors/seclang/pcre/pike-vm.js'
import { growth, mixture, seeded } from '../work.js'
import { EXPLOSIVE } from './explosive.js'
import { randomPattern } from './random-pattern.js'

const position = { file: 'fuzz.conf', line: 1 }

t.test('the automaton matches where the same pattern as a RegExp does', async (t) => {
  const random = seeded(21)
  let compared = 0
  let located = 0
  for (let round = 0; round < 3000; round++) {
    const source = randomPattern(random, 4)
    const parsed = parsePattern(source)
    const pattern = compilePattern(source, position)
    if (pattern.classification !== 'linear') continue
    const regexp = new RegExp(emitJs(parsed.root, parsed.groups).source, 'd')
    for (let turn = 0; turn < 6; turn++) {
      const value = mixture(['a', 'b', 'c', 'A', ' ', '\n', '1'], Math.floor(random() * 10), random)
      const expected = regexp.exec(value)
      compared += 1
      if (pattern.test(value) !== (expected !== null)) t.fail(`test ${source} on ${JSON.stringify(value)}`)
      const span = pattern.exec(value)?.slice(0, 2)
      // A loop whose body can match nothing may stop elsewhere in JavaScript than in PCRE: there only the start must agree.
      const loops = /[*+}?]\??\)*[*+{?]/.test(source) || /\)[*+{?]/.test(source)
      if (expected !== null) {
        located += 1
        if (span?.[0] !== expected.index || (!loops && span[1] !== expected.index + expected[0].length)) {
          t.fail(
            `exec ${source} on ${JSON.stringify(value)}: ${String(span)} for ${expected.index}+${expected[0].length}`,
          )
        }
      } else if (span !== undefined) t.fail(`exec ${source} on ${JSON.stringify(value)}`)
    }
  }
  t.ok(compared > 15_000)
  t.ok(located > 5_000)
})

t.test('any text either compiles or is refused as a pattern', async (t) => {
  const random = seeded(22)
  const pieces = [
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    '{2,3}',
    '*',
    '+',
    '?',
    '|',
    '^',
    '$',
    '.',
    '\\',
    '\\x',
    '\\x{41}',
    '\\Q',
    '\\E',
    '\\1',
    '\\g{1}',
    '(?',
    '(?:',
    '(?i)',
    '(?P<a>',
    '(?<=',
    '(?>',
    '[[:alpha:]]',
    '[^',
    '-',
    'a',
    'Z',
    '9',
    '\\d',
    '\\b',
    '\\K',
    '\\R',
    '#',
    ' ',
    '\xff',
    '\0',
    ',',
    ':',
    '(?#',
    '(*',
  ]
  let compiled = 0
  let refused = 0
  for (let round = 0; round < 8000; round++) {
    const source = mixture(pieces, Math.floor(random() * 14), random)
    try {
      compilePattern(source, position).test('aZ9 (')
      compiled += 1
    } catch (error) {
      if (!(error instanceof SecLangError)) throw error
      refused += 1
    }
  }
  t.ok(compiled > 500 && refused > 500, `${compiled} compiled, ${refused} refused`)
})

t.test('patterns that make a backtracking matcher explode stay linear', async (t) => {
  for (const [source, piece] of EXPLOSIVE) {
    const pattern = compilePattern(source, position)
    t.equal(pattern.classification, 'linear', source)
    const value = piece.repeat(65536)
    t.ok(growth((size) => pattern.test(value.slice(0, size)), 16384) < 10, `test ${source}`)
    // Long values only: short ones are searched in another way.
    const { root, groups } = parsePattern(source)
    const search = new PikeVm(compileProgram(root, groups, false).program, undefined, false)
    t.ok(growth((size) => search.exec(value.slice(0, size), 0, undefined), 2048) < 10, `exec ${source}`)
  }
})

t.test('a bounded pattern ends at its bound', async (t) => {
  for (const source of ['(["\']).*?\\1', '(a+)(b+)\\1\\2', '(?>a|ab)c', '(a*)(a*)\\1!']) {
    const pattern = compilePattern(source, position)
    t.equal(pattern.classification, 'bounded', source)
    t.ok((pattern.bound ?? 0) >= 64)
    for (const piece of ['a', '"', "'", 'ab', 'b']) t.type(pattern.test(piece.repeat(65536)), 'boolean')
  }
})

t.test('emitted patterns refuse what JavaScript would read otherwise', async (t) => {
  for (const source of [
    '(a)?\\1',
    '(?:(a)|b)\\1',
    '(?i)(a)\\1',
    'a\\Kb',
    '(?<!(a)\\1)b',
    '(?<=(?>a|ab)b)c',
    '^(?>(?:|a)?)ab',
    '(?:a??)?+b',
  ]) {
    const parsed = parsePattern(source)
    t.throws(() => emitJs(parsed.root, parsed.groups), PatternError, source)
  }
})
