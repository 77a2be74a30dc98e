import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { isSigned } from '../../../incidents/inbound/signature.js'
import { growth } from '../../proofs/random.js'

const raw = Buffer.from('{"a":1}')
const sign = (secret: string, bytes: Uint8Array = raw) =>
  createHmac('sha256', secret).update(bytes).digest('hex')

t.test('one of several secrets is enough, in whatever place', async (t) => {
  for (const secret of ['a', 'b', 'c']) t.ok(isSigned(raw, `sha256=${sign(secret)}`, ['a', 'b', 'c']))
  t.ok(isSigned(raw, sign('a').toUpperCase(), ['a']))
  t.notOk(isSigned(raw, sign('d'), ['a', 'b', 'c']))
  t.notOk(isSigned(raw, sign('a'), []))
  t.notOk(isSigned(raw, undefined, ['a']))
})

t.test('the bytes count, not what they mean', async (t) => {
  t.notOk(isSigned(Buffer.from('{"a": 1}'), sign('a'), ['a']))
  t.ok(isSigned(Buffer.from([0xff, 0xfe]), sign('a', Buffer.from([0xff, 0xfe])), ['a']))
})

t.test('no other header is taken for a signature', async () => {
  const good = sign('a')
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string({ maxLength: 4 }).map((text) => `${text}${good}`),
        fc.string({ minLength: 1, maxLength: 4 }).map((text) => `${good}${text}`),
        fc.stringMatching(/^[0-9a-f]{64}$/),
      ),
      (header) => {
        const same = header.toLowerCase() === good || header === `sha256=${good}`
        if (isSigned(raw, header, ['a']) !== same) throw new Error(header)
      },
    ),
    { numRuns: 2000 },
  )
})

t.test('a header of any length takes linear time', async (t) => {
  const many = (header: string) => () => {
    for (let i = 0; i < 500; i++) isSigned(raw, header, ['a'])
  }
  t.ok(growth((n) => many(`sha256=${'0'.repeat(n)}`), 100_000) < 12)
})
