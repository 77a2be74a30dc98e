import t from 'tap'
import { firstBytes } from '../../../scanner/yara/first-bytes.js'
import { parseRules } from '../../../scanner/yara/rule-source.js'

const tokens = (condition: string): readonly string[] =>
  parseRules(`rule A { condition: ${condition} }`).rules[0]?.condition ?? []

const values = (condition: string): readonly number[] | undefined => {
  const first = firstBytes(tokens(condition))
  return first && [...first].sort((a, b) => a - b)
}

t.test('what a content must begin with is read from the condition', async (t) => {
  t.strictSame(values('uint16(0) == 0x5A4D and all of them'), [0x5a4d])
  t.strictSame(values('23117 == uint16(0) and any of them'), [0x5a4d])
  t.strictSame(values('uint16be(0) == 0x4d5a and $a'), [0x5a4d])
  t.strictSame(values('filesize < 1MB and uint32(0x0) == 0x464c457f'), [0x457f])
  t.strictSame(values('uint32be(0) == 0x7f454c46'), [0x457f])
  t.strictSame(values('( uint16(0) == 1 or uint16(0) == 2 ) and ($a or $b)'), [1, 2])
  t.strictSame(values('(uint16(0) == 1 and $a) or (uint16(0) == 2 and $b)'), [1, 2])
  t.strictSame(values('(uint16(0) == 1 or $c) and uint16(0) == 3'), [3])
  t.strictSame(values('uint16(0) == 1 and uint16(0) == 2'), [])
  t.strictSame(values('pe.is_pe and pe.number_of_sections > 3'), [0x5a4d])
})

t.test('where it is not sure, any content is judged', async (t) => {
  for (const condition of [
    '$a or uint16(0) == 0x5a4d',
    'not uint16(0) == 0x5a4d',
    'not (uint16(0) == 0x5a4d) and $a',
    'uint16(0) != 0x5a4d',
    'uint16(2) == 0x5a4d',
    'uint16(0) == 0x5a4d + 1',
    'uint16(0) == filesize',
    'for any i in (0..1) : ( uint16(0) == 0x5a4d )',
    'uint16(0) == 0x5a4d and $a or $b',
    'uint8(0) == 0x4d',
    'uint32(0) == 0x5a4d5a4d5a4d',
    'any of them',
  ])
    t.equal(values(condition), undefined, condition)
})
