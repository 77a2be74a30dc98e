import fc from 'fast-check'
import t from 'tap'
import { fieldName } from '../../../../gateway/listener/strict/field-names.js'

const find = (name: string, before = 0): string | undefined => {
  const bytes = Buffer.from('x'.repeat(before) + name, 'latin1')
  return fieldName(bytes, before, bytes.length)
}

await t.test('common names are found in both cases, wherever they stand', (t) => {
  for (const name of ['Host', 'host', 'Content-Length', 'transfer-encoding', 'TE', 'X-Forwarded-For'])
    t.equal(find(name, 7), name)
  t.end()
})

await t.test('what is found is what stands there', (t) => {
  for (const name of ['HOST', 'Hosu', 'hOst', 'X', '', 'Content-Lengtj', 'Transfer_Encoding'])
    t.equal(find(name), undefined, name)
  fc.assert(
    fc.property(
      fc.constantFrom('Host', 'content-type', 'User-Agent', 'sec-fetch-mode'),
      fc.nat({ max: 20 }),
      fc.nat({ max: 255 }),
      (name, at, byte) => {
        const changed = Buffer.from(name)
        changed[at % changed.length] = byte
        const text = changed.toString('latin1')
        const found = find(text)
        t.ok(found === undefined || found === text)
      },
    ),
  )
  t.end()
})
