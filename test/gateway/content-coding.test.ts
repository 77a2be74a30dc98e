import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'

import { decodeBody, narrowAcceptEncoding } from '../../gateway/content-coding.js'

const limits = { maxBytes: 1024 * 1024, maxRatio: 100 }
const text = Buffer.from('some text that is coded '.repeat(20))

t.test('each coding is decoded, also on top of another', async (t) => {
  const coded: readonly [readonly string[], Buffer][] = [
    [[], text],
    [['identity'], text],
    [['gzip'], gzipSync(text)],
    [['X-GZIP'], gzipSync(text)],
    [['deflate'], deflateSync(text)],
    [['deflate'], deflateRawSync(text)],
    [['br'], brotliCompressSync(text)],
    [['gzip', 'br'], brotliCompressSync(gzipSync(text))],
  ]
  for (const [codings, bytes] of coded) {
    const decoded = await decodeBody(bytes, codings, limits)
    t.same(Buffer.from(decoded.bytes), text, codings.join())
    t.equal(decoded.limit, undefined)
  }
})

t.test('what cannot be decoded says so', async (t) => {
  t.equal((await decodeBody(text, ['compress'], limits)).limit, 'content_coding')
  t.equal((await decodeBody(text, ['gzip'], limits)).limit, 'decode_error')
  t.equal((await decodeBody(text, ['gzip', 'gzip', 'gzip', 'gzip'], limits)).limit, 'content_coding')
  const cut = gzipSync(Buffer.from(Array.from({ length: 100_000 }, (_, at) => (at * 7919) % 251)))
  const decoded = await decodeBody(cut.subarray(0, cut.length / 2), ['gzip'], limits)
  t.equal(decoded.limit, 'decode_error')
})

t.test('a bomb stops at the ratio, a large body at the size', async (t) => {
  const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024))
  const byRatio = await decodeBody(bomb, ['gzip'], { maxBytes: 1024 ** 3, maxRatio: 10 })
  t.equal(byRatio.limit, 'decode_ratio')
  t.ok(byRatio.bytes.length <= Math.max(64 * 1024, bomb.length * 10))
  const bySize = await decodeBody(bomb, ['gzip'], { maxBytes: 100_000, maxRatio: 1000 })
  t.equal(bySize.limit, 'decoded_bytes')
  t.equal(bySize.bytes.length, 100_000)
})

t.test('hostile bytes give a named outcome, never an exception', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 300 }),
      fc.array(fc.constantFrom('gzip', 'deflate', 'br', 'zstd', 'identity', 'x'), { maxLength: 4 }),
      async (bytes, codings) => {
        const decoded = await decodeBody(bytes, codings, limits)
        return decoded.bytes.length <= 64 * 1024 || decoded.limit === undefined
      },
    ),
    { numRuns: 300 },
  )
  t.pass()
})

t.test('Accept-Encoding keeps what we decode', (t) => {
  t.equal(narrowAcceptEncoding(['gzip', 'x-new;q=1', 'br;q=0.5']), 'gzip, br;q=0.5')
  t.equal(narrowAcceptEncoding(['*']), 'identity')
  t.equal(narrowAcceptEncoding([]), 'identity')
  t.equal(narrowAcceptEncoding(['gzip;q=0']), 'gzip;q=0')
  t.end()
})
