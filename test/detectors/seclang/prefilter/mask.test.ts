import t from 'tap'
import { ByteSet } from '../../../../detectors/seclang/pcre/byte-set.js'
import { byteClass, maskOf } from '../../../../detectors/seclang/prefilter/index.js'
import { maskOfSet } from '../../../../detectors/seclang/prefilter/mask.js'
import { mixture, seeded } from '../work.js'

const bytes = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte))

t.test('every byte is of exactly one class, and every class has bytes', async (t) => {
  const masks = bytes.map(maskOf)
  const used = new Set(masks)
  t.equal(used.size, 32)
  for (const mask of used) t.ok(mask !== 0 && (mask & (mask - 1)) === 0)
  t.strictSame(new Set(Object.values(byteClass)), used)
})

t.test('classes are what their names say', async (t) => {
  const members: Readonly<Record<keyof typeof byteClass, string>> = {
    lower: 'az',
    upper: 'AZ',
    digit: '09',
    space: ' ',
    control: '\0\t\n\r\x1f\x7f',
    high: '\x80\xff',
    doubleQuote: '"',
    singleQuote: "'",
    backQuote: '`',
    round: '()',
    square: '[]',
    curly: '{}',
    angle: '<>',
    equals: '=',
    semicolon: ';',
    percent: '%',
    ampersand: '&',
    bar: '|',
    dollar: '$',
    backslash: '\\',
    slash: '/',
    colon: ':',
    dot: '.',
    hyphen: '-',
    underscore: '_',
    plus: '+',
    star: '*',
    at: '@',
    hash: '#',
    mark: '!?',
    comma: ',',
    tilde: '^~',
  }
  for (const [name, text] of Object.entries(members))
    t.equal(maskOf(text), byteClass[name as keyof typeof byteClass], name)
})

t.test('the mask of a value is that of its bytes, at every length', async (t) => {
  const random = seeded(41)
  t.equal(maskOf(''), 0)
  for (let length = 0; length < 200; length++) {
    const value = mixture(bytes, length, random)
    let expected = 0
    for (const char of value) expected |= maskOf(char)
    t.equal(maskOf(value), expected)
    t.equal(maskOfSet(ByteSet.chars(value)), expected)
  }
})
