import t from 'tap'
import { transformation, transformations } from '../../../../detectors/seclang/transformations/index.js'
import { parseUnicodeMap } from '../../../../detectors/seclang/transformations/unicode-map.js'
import { urlDecodeUniWith } from '../../../../detectors/seclang/transformations/url-decode-uni.js'
import { growth, mixture, seeded } from '../work.js'

const pieces = [
  '%',
  '%u',
  '%2',
  '%41',
  '%uff1c',
  '\\',
  '\\x',
  '\\u0041',
  '\\1',
  '&',
  '&#',
  '&#x41',
  '&lt',
  ';',
  '/*',
  '*/',
  '--',
  '#',
  '<!--',
  '-->',
  '/',
  '../',
  './',
  '//',
  ' ',
  '\t',
  '\0',
  '\xc3',
  '\xa9',
  '\xf0\x9f',
  '\xa0',
  '"',
  '^',
  ',',
  '+',
  '=',
  'A',
  '0x41',
  '[',
  ']',
  '.',
  'a',
]

t.test('names are found in any case, unknown ones are not', async (t) => {
  t.equal(transformations.size, 39)
  t.equal(transformation('BASE64decode'), transformation('base64Decode'))
  t.equal(transformation('nope'), undefined)
})

t.test('every transformation turns any bytes into bytes', async (t) => {
  const random = seeded(11)
  let wrong = 0
  for (const [name, transform] of transformations) {
    for (let round = 0; round < 300; round++) {
      const value = mixture(pieces, Math.floor(random() * 40), random)
      const result = transform(value)
      for (let at = 0; at < result.length; at++) if (result.charCodeAt(at) > 255) wrong += 1
      if (transform(value) !== result) wrong += 1
    }
    t.equal(wrong, 0, name)
  }
})

t.test('every transformation is linear', async (t) => {
  for (const [name, transform] of transformations) {
    const worst = ['%', '\\', '&#x', '/*', '../', ' ', '<!--', '0x4', '[', 'a/', '\xc3', '--', ']['].map(
      (piece) => growth((size) => transform(piece.repeat(size / piece.length)), 50_000),
    )
    t.ok(Math.max(...worst) < 10, name)
  }
})

t.test('a unicode map folds code points for urlDecodeUni', async (t) => {
  const text = '# comment\n1250 (ANSI)\n00a1:21 00a2:63\n\n20127 (US-ASCII)\n00a0:20 2018:27 ff1c:3c\n'
  const map = parseUnicodeMap(text, 20127)
  if (map === undefined) throw new Error('no map')
  t.equal(map.size, 3)
  t.equal(urlDecodeUniWith(map)('%u2018+%u00a0%uFF1c%u00e9'), "'  <\xe9")
  t.equal(parseUnicodeMap(text, 99999), undefined)
  t.equal(
    transformation('urlDecodeUni')?.('%u2018%u0161%uff1c%u2215%zz%u12'),
    "'s</%zz%u12",
    'look-alikes without a map',
  )
  t.equal(
    transformation('urlDecodeUni')?.('%u0142%u0153%u0131%u0192%u2022%u00e9'),
    'loif.\xe9',
    'letters too',
  )
})

t.test('paths do not climb above an absolute root', async (t) => {
  const normalise = transformation('normalisePath')
  t.equal(normalise?.('/../../etc/passwd'), '/etc/passwd')
  t.equal(normalise?.('/..'), '/')
  t.equal(transformation('normalizePathWin')?.('a\\..\\..\\b'), '../b')
})

t.test('phpArgsNames mangles as PHP does', async (t) => {
  const mangle = transformation('phpArgsNames')
  t.equal(mangle?.('  a.b c'), 'a_b_c')
  t.equal(mangle?.('a[b.c][ ]x'), 'a[b.c][]')
  t.equal(mangle?.('a[b.c'), 'a_b.c')
})
