import { join } from 'node:path'
import t from 'tap'
import { compilePattern } from '../../../../detectors/seclang/pcre/index.js'
import { crsPatterns } from '../crs-patterns.js'
import { growth, mixture, seeded } from '../work.js'

const data = process.env['PORTCULLIS_TEST_DATA']

/** Pieces of text that the patterns of the rule set half match; random mixtures keep many threads of them alive. */
const pieces = [
  'select ',
  'union ',
  'group ',
  'by ',
  'create table',
  'x',
  ' ',
  '\t',
  '\n',
  "'",
  '"',
  '`',
  '$',
  '${',
  '(',
  ')',
  '{',
  ';',
  '|',
  '&&',
  '/*',
  '*/',
  '*',
  '--',
  '<',
  '<a ',
  '=',
  '%2',
  '..',
  '/',
  '\\',
  'javascript:',
  'java',
  'on',
  'http://',
  'Warning',
  'set-cookie',
  'charset',
  'content-',
  'bytes=',
  '1-',
  ',',
  '0',
  '9',
  '@',
  '[',
  ']',
  '\x80',
  '\xff',
  '\0',
  '!',
  '#',
  '^',
  '~',
  'or ',
  'and ',
  'exec',
  'echo',
]

if (data === undefined) t.plan(0, 'skipped: no data')
else {
  const all = crsPatterns(join(data, 'crs/rules')).map((source) => ({
    source,
    pattern: compilePattern(source, { file: 'crs', line: 1 }),
  }))

  t.test('every pattern of the Core Rule Set compiles and is proven linear', async (t) => {
    t.equal(all.length, 318)
    t.equal(all.filter(({ pattern }) => pattern.classification === 'linear').length, 318)
  })

  t.test('no pattern is super-linear on its worst values of 64 KiB', async (t) => {
    const random = seeded(5)
    const values = [
      ...pieces.map((piece) => piece.repeat(Math.ceil(65536 / piece.length)).slice(0, 65536)),
      ...Array.from({ length: 6 }, () =>
        mixture(pieces.toSorted(() => random() - 0.5).slice(0, 3), 65536, random),
      ),
      mixture(['select ', 'group ', 'by '], 65536, random),
      mixture(pieces, 65536, random),
    ]
    const slow: string[] = []
    for (const { source, pattern } of all) {
      // The value whose beginning is dearest is measured at its full length.
      let worst = ''
      let dearest = 0
      for (const value of values) {
        const start = performance.now()
        pattern.test(value.slice(0, 8192))
        const cost = performance.now() - start
        if (cost > dearest) {
          dearest = cost
          worst = value
        }
      }
      if (growth((size) => pattern.test(worst.slice(0, size)), 16384) >= 10) slow.push(source)
    }
    t.strictSame(slow, [])
  })

  t.test('groups are found in linear time too', async (t) => {
    const random = seeded(6)
    const value = mixture(pieces, 65536, random)
    const slow: string[] = []
    for (const { source, pattern } of all.filter((_, index) => index % 8 === 0)) {
      if (growth((size) => pattern.exec(value.slice(0, size)), 8192) >= 10) slow.push(source)
    }
    t.strictSame(slow, [])
  })
}
