import fc from 'fast-check'
import t from 'tap'
import type { HeaderList } from '../../../../detectors/request.js'
import { ChunkedDecoder } from '../../../../gateway/listener/strict/chunked-decoder.js'
import { ReceiveBuffer } from '../../../../gateway/listener/strict/receive-buffer.js'
import { growth } from '../../../detectors/seclang/work.js'

interface Decoded {
  readonly content: string
  /** `more`, the reason of a failure, or what stands behind the content. */
  readonly end: string | { readonly trailers: HeaderList; readonly rest: string }
}

/** What comes of bytes that arrive in these pieces. */
function decode(text: string, cuts: readonly number[] = [], maxTrailerBytes = 1024): Decoded {
  const decoder = new ChunkedDecoder(maxTrailerBytes)
  const received = new ReceiveBuffer()
  let content = ''
  let from = 0
  const ends = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].toSorted((a, b) => a - b)
  for (const to of [...ends, text.length]) {
    received.append(Buffer.from(text.slice(from, to), 'latin1'))
    from = to
    if (decoder.done) continue
    const used = decoder.decode(received.bytes, received.start, received.end)
    content += Buffer.from(decoder.data).toString('latin1')
    received.take(used)
    if (decoder.failure !== undefined) return { content, end: decoder.failure.reason }
  }
  if (!decoder.done) return { content, end: 'more' }
  const rest = received.bytes.toString('latin1', received.start, received.end)
  return { content, end: { trailers: decoder.trailers, rest } }
}

await t.test('chunks, extensions and trailers', (t) => {
  t.same(decode('3\r\nabc\r\n00A\r\n0123456789\r\n0\r\n\r\nGET'), {
    content: 'abc0123456789',
    end: { trailers: [], rest: 'GET' },
  })
  t.same(decode('1;a;b=c \t; d="\\"x\xe9" ;e = "";f\r\n\n\r\n000\r\nX-T: 1\r\nx-t:2\r\n\r\n'), {
    content: '\n',
    end: {
      trailers: [
        ['X-T', '1'],
        ['x-t', '2'],
      ],
      rest: '',
    },
  })
  t.same(decode('5\r\nab'), { content: 'ab', end: 'more' })
  t.end()
})

await t.test('what is not to the letter has a reason', (t) => {
  const cases: readonly (readonly [string, string])[] = [
    ['\r\n', 'invalid_chunk_size'],
    ['g\r\n', 'invalid_chunk_size'],
    ['-1\r\n', 'invalid_chunk_size'],
    [' 1\r\na', 'invalid_chunk_size'],
    ['0x1\r\na', 'invalid_chunk_size'],
    ['1_\r\na', 'invalid_chunk_size'],
    ['1\na', 'bare_lf'],
    ['1\ra', 'bare_cr'],
    ['1 \r\na', 'invalid_chunk_extension'],
    ['1;\r\na', 'invalid_chunk_extension'],
    ['1;a=\r\na', 'invalid_chunk_extension'],
    ['1;a="\r\na', 'invalid_chunk_extension'],
    ['1;a="\\\n"\r\na', 'invalid_chunk_extension'],
    ['1;a=b\n', 'bare_lf'],
    ['1;a\n', 'bare_lf'],
    ['1;a b\r\na', 'invalid_chunk_extension'],
    ['1;a="b"c\r\na', 'invalid_chunk_extension'],
    ['00000000000001\r\na', 'chunk_size_overflow'],
    ['ffffffffffffff\r\na', 'chunk_size_overflow'],
    ['3\r\nabcd\r\n', 'chunk_data_not_ended'],
    ['3\r\nabc\n', 'chunk_data_not_ended'],
    ['3\r\nabc\r\r', 'chunk_data_not_ended'],
    ['0\r\nA : 1\r\n\r\n', 'space_before_colon'],
    ['0\r\n\n', 'bare_lf'],
    [`0\r\nA: ${'a'.repeat(2000)}`, 'header_overflow'],
    [`1;a="${'b'.repeat(17 * 1024)}"\r\na`, 'chunk_extensions_overflow'],
    [`${'1;a\r\nb\r\n'.repeat(9000)}`, 'chunk_extensions_overflow'],
  ]
  for (const [bytes, reason] of cases) t.equal(decode(bytes).end, reason, JSON.stringify(bytes.slice(0, 40)))
  t.end()
})

const chunk = fc
  .tuple(
    fc.uint8Array({ minLength: 1, maxLength: 40 }),
    fc.constantFrom('', ';a', ';a=b', ' ; a = "\\x;\t"', ';a="";b'),
    fc.boolean(),
  )
  .map(([bytes, extension, zeros]) => ({
    content: Buffer.from(bytes).toString('latin1'),
    sent: `${zeros ? '00' : ''}${bytes.length.toString(16)}${extension}\r\n${Buffer.from(bytes).toString('latin1')}\r\n`,
  }))
const cuts = fc.array(fc.nat({ max: 3000 }), { maxLength: 60 })

await t.test('any split of any body gives its content, its trailers and what stands behind it', (t) => {
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 20 }), cuts, fc.boolean(), (chunks, cuts, trailer) => {
      const text = `${chunks.map(({ sent }) => sent).join('')}0\r\n${trailer ? 'X-T: 1\r\n' : ''}\r\nnext`
      t.same(decode(text, cuts), {
        content: chunks.map(({ content }) => content).join(''),
        end: { trailers: trailer ? [['X-T', '1']] : [], rest: 'next' },
      })
    }),
    { numRuns: 500 },
  )
  t.end()
})

await t.test('any split of broken bytes gives the same content and the same reason', (t) => {
  const noise = fc.constantFrom(...'\r\n;=" \t\\0fFgG\0\x80:A'.split(''))
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          noise,
          chunk.map(({ sent }) => sent),
        ),
        { maxLength: 30 },
      ),
      cuts,
      (parts, cuts) => {
        const text = parts.join('')
        const whole = decode(text)
        t.same(decode(text, cuts), whole)
        t.same(
          decode(
            text,
            Array.from({ length: text.length }, (_, i) => i),
          ),
          whole,
        )
      },
    ),
    { numRuns: 500 },
  )
  t.end()
})

await t.test('the time is linear in the bytes, and pieces of one read come together', (t) => {
  const body = (size: number): string => '1\r\na\r\n'.repeat(size)
  const whole = (size: number): void => {
    const bytes = Buffer.from(body(size))
    const decoder = new ChunkedDecoder(1024)
    decoder.decode(bytes, 0, bytes.length)
    if (decoder.data.length !== size) throw new Error('content is missing')
  }
  const dripped = (size: number): void => {
    decode(
      `0\r\nA: ${'a'.repeat(size)}`,
      Array.from({ length: size }, (_, i) => i),
      64 * 1024 * 1024,
    )
  }
  t.ok(growth(whole, 100_000) < 8)
  t.ok(growth(dripped, 5_000) < 8)
  t.end()
})
