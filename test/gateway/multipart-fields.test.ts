import fc from 'fast-check'
import t from 'tap'

import { fieldOverflow, multipartBoundary } from '../../gateway/multipart-fields.js'
import { growth } from '../detectors/seclang/work.js'

const field = (name: string, value: string): string =>
  `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
const file = (name: string, value: string): string =>
  `--b\r\nContent-Disposition: form-data; name="${name}"; filename="f.bin"\r\nContent-Type: application/octet-stream\r\n\r\n${value}\r\n`
const body = (...parts: string[]): Buffer => Buffer.from(`${parts.join('')}--b--\r\n`, 'latin1')

t.test('boundaries are read quoted and bare', (t) => {
  t.equal(multipartBoundary('multipart/form-data; boundary=abc'), 'abc')
  t.equal(multipartBoundary('multipart/form-data; charset=x; Boundary="a b"; y=z'), 'a b')
  t.equal(multipartBoundary('multipart/form-data'), undefined)
  t.equal(multipartBoundary('multipart/form-data; boundary='), undefined)
  t.end()
})

t.test('contents of files do not count, everything else does', (t) => {
  t.equal(fieldOverflow(body(file('f', 'x'.repeat(5000)), field('a', '1')), 'b', 1000), -1)
  t.not(fieldOverflow(body(field('a', 'x'.repeat(5000))), 'b', 1000), -1)
  t.not(fieldOverflow(body(file('f', 'x'), field('a', 'y'.repeat(2000))), 'b', 1000), -1)
  t.not(fieldOverflow(Buffer.from('x'.repeat(2000)), 'b', 1000), -1, 'no part at all')
  t.equal(
    fieldOverflow(body(file('f', 'a--b\r\n--c'.repeat(300))), 'b', 1000),
    -1,
    'a boundary inside a line',
  )
  t.end()
})

t.test('the offset is where the fields pass the limit', (t) => {
  const parts = body(file('f', 'x'.repeat(1000)), field('a', 'y'.repeat(1000)))
  const at = fieldOverflow(parts, 'b', 500)
  t.ok(at > 1000 && at < parts.length)
  t.equal(parts.toString('latin1', at, at + 1), 'y')
  t.end()
})

t.test('a file that only says so in its content is a field', (t) => {
  const trick = field('a', `Content-Disposition: form-data; filename="f"\r\n\r\n${'x'.repeat(2000)}`)
  t.not(fieldOverflow(body(trick), 'b', 1000), -1)
  t.end()
})

t.test('any bytes give -1 or an offset inside the body', (t) => {
  const piece = fc.constantFrom(
    '--b',
    '\r\n',
    '\n',
    '\r\n\r\n',
    '\n\n',
    'Content-Disposition: x; filename=y',
    'zz',
    '--',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), fc.nat(200), (pieces, limit) => {
      const bytes = Buffer.from(pieces.join(''))
      const at = fieldOverflow(bytes, 'b', limit)
      return at === -1 || (at >= 0 && at <= bytes.length)
    }),
    { numRuns: 2000 },
  )
  t.pass()
  t.end()
})

t.test('work grows with the length and not faster', (t) => {
  const hostile: readonly ((n: number) => Buffer)[] = [
    (n) => Buffer.from('--b\n'.repeat(n)),
    (n) => Buffer.from(`${file('f', 'x')}`.repeat(n)),
    (n) => Buffer.from('\n--b\r\nContent-Disposition: ;'.repeat(n)),
  ]
  for (const make of hostile) {
    const work = (n: number): void => {
      const bytes = make(n)
      fieldOverflow(bytes, 'b', 1e9)
      fieldOverflow(bytes, 'b', bytes.length - 1)
    }
    t.ok(growth(work, 20_000) < 12)
  }
  t.end()
})
