import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'

import type { HeaderList } from '../../../detectors/request.js'
import { GatewayError } from '../../../gateway/errors.js'
import { ResponseReader } from '../../../gateway/upstream/response-reader.js'
import { growth } from '../../detectors/seclang/work.js'

interface Read {
  readonly heads: (readonly [number, HeaderList])[]
  body: string
  trailers: HeaderList | undefined
  failure: string | undefined
  persistent: boolean
}

/** What comes of these bytes, given in pieces that end at `cuts`, and of the end of the connection when `ended`. */
const read = (text: string, { method = 'GET', cuts = [] as readonly number[], ended = false } = {}): Read => {
  const result: Read = { heads: [], body: '', trailers: undefined, failure: undefined, persistent: false }
  const reader = new ResponseReader({
    informational: (status, headers) => result.heads.push([status, headers]),
    head: (status, headers) => result.heads.push([status, headers]),
    data: (chunk) => (result.body += Buffer.from(chunk).toString('latin1')),
    complete: (trailers) => (result.trailers = trailers),
  })
  reader.begin(method)
  let surplus = false
  try {
    let from = 0
    for (const to of [...new Set(cuts.map((cut) => cut % (text.length + 1))), text.length].toSorted(
      (one, other) => one - other,
    )) {
      if (to === from) continue
      // Nobody gives a reader bytes once its answer is complete: the connection is not used again.
      if (result.trailers !== undefined) {
        surplus = true
        break
      }
      reader.receive(Buffer.from(text.slice(from, to), 'latin1'))
      from = to
    }
    if (ended) reader.end()
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    result.failure = `${error.code} ${error.message}`
  }
  result.persistent = reader.persistent && !surplus
  return result
}

t.test('a head says whether the rest of its answer came with it', (t) => {
  const told = (pieces: readonly string[], method = 'GET'): readonly boolean[] => {
    const wholes: boolean[] = []
    const reader = new ResponseReader({
      informational: () => undefined,
      head: (_status, _headers, whole) => wholes.push(whole),
      data: () => undefined,
      complete: () => undefined,
    })
    reader.begin(method)
    for (const piece of pieces) reader.receive(Buffer.from(piece, 'latin1'))
    return wholes
  }
  const head = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'
  t.same(told([`${head}hello`]), [true])
  t.same(told([`HTTP/1.1 103 Early Hints\r\n\r\n${head}hello`]), [true])
  t.same(told([head, 'hello']), [false])
  t.same(told([`${head}hell`, 'o']), [false])
  t.same(told([head], 'HEAD'), [true])
  t.same(told(['HTTP/1.1 204 No Content\r\n\r\n']), [true])
  t.same(told(['HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n']), [true])
  t.same(told(['HTTP/1.1 200 OK\r\n\r\nhello']), [false])
  t.same(told(['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n']), [false])
  t.end()
})

t.test('content by length, in chunks and until the end of the connection', (t) => {
  t.same(read('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: a\r\n\r\nhello'), {
    heads: [
      [
        200,
        [
          ['Content-Length', '5'],
          ['X', 'a'],
        ],
      ],
    ],
    body: 'hello',
    trailers: [],
    failure: undefined,
    persistent: true,
  })
  const chunked = read('HTTP/1.1 200\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nab\r\n0\r\nT: 1\r\n\r\n')
  t.match(chunked, { body: 'ab', trailers: [['T', '1']], failure: undefined, persistent: true })
  const open = read('HTTP/1.1 200 OK\r\n\r\nall of it', { ended: true })
  t.match(open, { body: 'all of it', trailers: [], failure: undefined, persistent: false })
  t.equal(read('HTTP/1.1 200 OK\r\n\r\nall of it').trailers, undefined, 'it may go on')
  t.end()
})

t.test('answers without content, whatever their fields say', (t) => {
  for (const [text, method] of [
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 'HEAD'],
    ['HTTP/1.1 204 No Content\r\n\r\n', 'GET'],
    ['HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', 'GET'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', 'GET'],
  ] as const)
    t.match(read(text, { method }), { body: '', trailers: [], failure: undefined, persistent: true }, text)
  t.end()
})

t.test('informational answers come before the final one', (t) => {
  const { heads, body } = read(
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx',
  )
  t.same(
    heads.map(([status]) => status),
    [100, 103, 200],
  )
  t.equal(body, 'x')
  t.match(read('HTTP/1.1 101 Switching\r\n\r\n').failure, /not asked for/)
  t.match(read('HTTP/1.1 100 Continue\r\n\r\n'.repeat(40)).failure, /without end/)
  t.end()
})

t.test('whether the connection outlives the answer', (t) => {
  const persistent = (version: string, ...fields: readonly string[]): boolean =>
    read(
      `HTTP/${version} 200 OK\r\nContent-Length: 0\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n`,
    ).persistent
  t.equal(persistent('1.1'), true)
  t.equal(persistent('1.1', 'Connection: x, Close'), false)
  t.equal(persistent('1.1', 'Connection: disclose'), true)
  t.equal(persistent('1.0'), false)
  t.equal(persistent('1.0', 'Connection: Keep-Alive'), true)
  t.equal(
    read('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200').persistent,
    false,
    'bytes too many',
  )
  t.end()
})

t.test('what can be read in two ways, or breaks off, is refused', (t) => {
  const cases: readonly (readonly [text: string, why: RegExp])[] = [
    ['HTTP/2 200 OK\r\n\r\n', /HTTP\/1/],
    ['ICY 200 OK\r\n\r\n', /HTTP\/1/],
    ['HTTP/1.1 20 OK\r\n\r\n', /status line/],
    ['HTTP/1.1 099 OK\r\n\r\n', /status line/],
    ['HTTP/1.1 200OK\r\n\r\n', /status line/],
    ['HTTP/1.1 200 O\x00K\r\n\r\n', /reason/],
    ['HTTP/1.1 200 OK\n\r\n', /CR/],
    [`HTTP/1.1 200 ${'a'.repeat(10_000)}`, /without end/],
    ['HTTP/1.1 200 OK\r\nA : b\r\n\r\n', /head/],
    ['HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n', /head/],
    ['HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n', /head/],
    [`HTTP/1.1 200 OK\r\nA: ${'b'.repeat(70_000)}\r\n\r\n`, /head/],
    ['HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx', /several lengths/],
    ['HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\nx', /invalid length/],
    ['HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx', /invalid length/],
    ['HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\nx', /invalid length/],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n', /transfer coding/],
    [
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n',
      /transfer coding/,
    ],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n', /two ways/],
    ['HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', /two ways/],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', /chunks/],
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel', /breaks off/],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab', /breaks off/],
    ['HTTP/1.1 200 OK\r\nContent-Le', /breaks off/],
    ['HTTP/1.1 2', /breaks off/],
  ]
  for (const [text, why] of cases) {
    const { failure, trailers } = read(text, { ended: true })
    t.match(failure, why, JSON.stringify(text.slice(0, 60)))
    t.match(failure, /^GATEWAY_UPSTREAM_RESPONSE /)
    t.equal(trailers, undefined)
  }
  t.end()
})

t.test('bytes without a request are refused', (t) => {
  const nobody = (): void => void t.fail('called')
  const reader = new ResponseReader({ informational: nobody, head: nobody, data: nobody, complete: nobody })
  t.throws(() => reader.receive(Buffer.from('HTTP/1.1 408 Timeout\r\n\r\n')), {
    code: 'GATEWAY_UPSTREAM_RESPONSE',
  })
  t.end()
})

t.test('a paused reader tells nothing, and what was received meanwhile is not lost', (t) => {
  const told: string[] = []
  const reader = new ResponseReader({
    informational: () => undefined,
    head: () => reader.pause(),
    data: (chunk) => {
      told.push(Buffer.from(chunk).toString())
      reader.pause()
    },
    complete: () => told.push('complete'),
  })
  reader.begin('GET')
  reader.receive(Buffer.from('HTTP/1.1 200 OK\r\n\r\nfirst'))
  t.same(told, [])
  reader.receive(Buffer.from(' second'))
  reader.end()
  reader.resume()
  t.same(told, ['first second'])
  reader.resume()
  t.same(told, ['first second', 'complete'])
  t.end()
})

t.test('one answer after another', (t) => {
  const told: unknown[] = []
  const reader = new ResponseReader({
    informational: () => undefined,
    head: (status) => told.push(status),
    data: (chunk) => told.push(Buffer.from(chunk).toString()),
    complete: () => told.push('complete'),
  })
  for (const method of ['HEAD', 'GET', 'GET']) {
    reader.begin(method)
    reader.receive(Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${method === 'HEAD' ? '' : 'x'}`))
    t.ok(reader.idle)
  }
  t.same(told, [200, 'complete', 200, 'x', 'complete', 200, 'x', 'complete'])
  t.end()
})

t.test('how long an idle connection is kept', (t) => {
  const seconds = (value: string): number | undefined => {
    const nothing = (): void => undefined
    const reader = new ResponseReader({
      informational: nothing,
      head: nothing,
      data: nothing,
      complete: nothing,
    })
    reader.begin('GET')
    reader.receive(Buffer.from(`HTTP/1.1 204 OK\r\nKeep-Alive: ${value}\r\n\r\n`))
    return reader.idleSeconds
  }
  t.equal(seconds('timeout=5, max=100'), 5)
  t.equal(seconds('max=100,Timeout=7'), 7)
  t.equal(seconds('xtimeout=5'), undefined)
  t.end()
})

/** A broken answer may have been told in part when the break is seen. */
const outcome = (result: Read): unknown => (result.failure === undefined ? result : result.failure)

t.test('how the bytes are cut into pieces makes no difference', (t) => {
  const part = fc.constantFrom(
    'HTTP/1.1 200 OK\r\n',
    'HTTP/1.0 ',
    '100 Continue\r\n',
    'Content-Length: 3\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Connection: close\r\n',
    'A: b\r\n',
    '\r\n',
    '3\r\nabc\r\n',
    '0\r\n\r\n',
    'abc',
    ' ',
    '\n',
    '\x00',
    '\xff',
  )
  fc.assert(
    fc.property(
      fc.array(part, { maxLength: 12 }),
      fc.array(fc.nat(), { maxLength: 8 }),
      fc.boolean(),
      (parts, cuts, ended) => {
        const text = `HTTP/1.1 200 OK\r\n${parts.join('')}`
        return isDeepStrictEqual(outcome(read(text, { cuts, ended })), outcome(read(text, { ended })))
      },
    ),
    { numRuns: 2000 },
  )
  t.end()
})

t.test('reading takes time in proportion to the bytes, however they come', (t) => {
  const bytewise = (size: number): void => {
    const head = `HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(size / 10)}Transfer-Encoding: chunked\r\n\r\n`
    const text = `${head}${'1\r\na\r\n'.repeat(size)}0\r\n\r\n`
    const cuts = Array.from({ length: text.length }, (_, at) => at)
    t.match(read(text, { cuts }).trailers, [])
  }
  t.ok(growth(bytewise, 5000) < 8)
  t.end()
})
