import type { Test } from 'tap'
import { isRefusal } from '../../gateway/listener/self-test.js'
import { SELF_TEST_CASES } from '../../gateway/listener/self-test-cases.js'
import type { RefusalReason } from '../../gateway/listener/listener.js'
import { bench, type ListenerTraits, readBody } from './listener-under-test.js'
import { RawClient } from './raw-client.js'

/** What our own parsers need not let through. */
const REJECTED: readonly (readonly [name: string, bytes: string])[] = [
  ['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'],
  ['a line of text', 'hello\r\n\r\n'],
  ['HTTP/0.9', 'GET /\r\n\r\n'],
  ['the HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['an RTSP method', 'DESCRIBE / RTSP/1.0\r\nHost: a\r\n\r\n'],
  ['control characters in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX-A: \x01\r\n\r\n'],
]

/** What can be parsed and must be refused by the gateway; a listener may reject it itself. */
const REFUSED: readonly (readonly [reason: RefusalReason, bytes: string])[] = [
  ['missing_host', 'GET / HTTP/1.1\r\nX-A: 1\r\n\r\n'],
  ['empty_host', 'GET / HTTP/1.1\r\nHost: \r\n\r\n'],
  ['fragment_in_target', 'GET /#fragment HTTP/1.1\r\nHost: a.test\r\n\r\n'],
  ['several_hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n'],
  ['invalid_host', 'GET / HTTP/1.1\r\nHost: a/b@c\r\n\r\n'],
  [
    'differing_content_length',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
  ],
  ['invalid_content_length', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1,1\r\n\r\na'],
  [
    'content_length_with_transfer_encoding',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  [
    'unknown_transfer_coding',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
  ],
  [
    'transfer_encoding_in_http_1_0',
    'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  [
    'unsupported_expectation',
    'POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-maybe\r\nContent-Length: 1\r\n\r\na',
  ],
  ['connect_method', 'CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n'],
]

export async function malformedTests(t: Test, traits: ListenerTraits): Promise<void> {
  for (const [name, bytes] of [
    ...REJECTED,
    ...SELF_TEST_CASES.filter(({ delivered }) => delivered === undefined)
      // Two that this implementation takes, as its limits say; the self-test fails for them.
      .filter(
        ({ name }) =>
          traits.answersMalformed || !/^(empty field name|chunk longer than its size)$/.test(name),
      )
      .map(({ name, bytes }) => [name, bytes] as const),
  ]) {
    await t.test(`never taken: ${name}`, async (t) => {
      const { port, malformed, ...rest } = await bench(t, traits, {
        onExchange: (request) => {
          if (request.target === '/good') request.respond(200, [], 'good')
          else if (request.refuse !== undefined) request.respond(400, [['X-Refused', request.refuse]])
          else {
            readBody(request).then(
              () => request.respond(200, [], 'taken'),
              () => request.respond(400, []),
            )
          }
        },
      })
      const client = await RawClient.connect(port)
      client.send(bytes)
      if (traits.answersMalformed) {
        const { status, text } = await client.head()
        t.ok(isRefusal(status), `answered with ${status}`)
        t.match(text, /connection: close/i)
        if (!text.includes('X-Refused')) t.equal(malformed.length, 1)
        await client.closed
      } else {
        // No answer is the named limit; an answer must be a refusal.
        const other = await RawClient.connect(port)
        other.send('GET /good HTTP/1.1\r\nHost: a\r\n\r\n')
        await other.take('good')
        other.destroy()
        t.notMatch(client.received, /taken/)
        client.destroy()
      }
      t.equal(rest.waiting, 0)
    })
  }

  for (const [reason, bytes] of REFUSED) {
    await t.test(`refused: ${reason}`, async (t) => {
      const refused: (string | undefined)[] = []
      const { port, malformed } = await bench(t, traits, {
        onExchange: (request) => {
          if (request.target === '/good') request.respond(200, [], 'good')
          else {
            refused.push(request.refuse)
            request.respond(400, [])
          }
        },
      })
      const client = await RawClient.connect(port)
      client.send(bytes)
      if (traits.answersMalformed) {
        t.equal((await client.head()).status, 400)
        t.ok(refused.length + malformed.length >= 1, 'reported or handed on as refused')
      } else {
        const other = await RawClient.connect(port)
        other.send('GET /good HTTP/1.1\r\nHost: a\r\n\r\n')
        await other.take('good')
        other.destroy()
      }
      for (const found of refused) t.equal(found, reason)
      client.destroy()
    })
  }

  await t.test('a head over the limit is refused and reported', async (t) => {
    const { port, malformed, ...rest } = await bench(t, traits)
    const client = await RawClient.connect(port)
    client.send(`GET / HTTP/1.1\r\nHost: a\r\nX-A: ${'a'.repeat(17 * 1024)}\r\n\r\n`)
    t.equal((await client.head()).status, 431)
    await client.closed
    t.match(malformed, [{ reason: 'header_overflow', client: '127.0.0.1', count: 1 }])
    t.equal(rest.waiting, 0)
  })

  if (traits.answersMalformed) {
    await t.test('what cannot be parsed is answered after what came before it', async (t) => {
      const { port, exchange, malformed } = await bench(t, traits)
      const client = await RawClient.connect(port)
      client.send('GET /1 HTTP/1.1\r\nHost: a\r\n\r\nG@T / HTTP/1.1\r\n\r\n')
      const request = await exchange()
      request.respond(200, [], 'one')
      t.equal((await client.response()).body, 'one')
      t.equal((await client.head()).status, 400)
      await client.closed
      t.match(malformed, [{ reason: 'invalid_method', sample: Uint8Array }])
    })

    await t.test('bad framing in a body goes to its reader', async (t) => {
      const { port, exchange, malformed } = await bench(t, traits)
      const client = await RawClient.connect(port)
      client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n')
      const request = await exchange()
      const body = readBody(request)
      client.send('xyz\r\n')
      await t.rejects(body, { code: 'MALFORMED_BODY' })
      request.respond(400, [], 'bad body')
      const { status, headers } = await client.response()
      t.equal(status, 400)
      t.equal(headers.get('connection'), 'close')
      await client.closed
      t.equal(malformed.length, 1)
    })

    const connect = 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n'
    const handshake = 'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n'
    if (traits.pipelinesUpgrades) {
      await t.test('CONNECT and an upgrade behind a request in work wait for their turn', async (t) => {
        const { port, exchange, upgrade, malformed } = await bench(t, traits)
        for (const second of [connect, handshake]) {
          const client = await RawClient.connect(port)
          client.send(`GET /1 HTTP/1.1\r\nHost: a\r\n\r\n${second}`)
          const request = await exchange()
          request.respond(200, [], 'one')
          if (second === connect) {
            const refused = await exchange()
            t.equal(refused.refuse, 'connect_method')
            refused.respond(400, [], 'two')
          } else (await upgrade()).respond(403, [], 'two')
          t.match(await client.all(), /one[^]*two$/)
        }
        t.same(malformed, [])
      })
    } else {
      await t.test('CONNECT and an upgrade behind a request in work end the connection', async (t) => {
        for (const second of [connect, handshake]) {
          const { port, exchange, malformed } = await bench(t, traits)
          const client = await RawClient.connect(port)
          client.send(`GET /1 HTTP/1.1\r\nHost: a\r\n\r\n${second}`)
          await exchange()
          await client.closed
          t.equal(malformed.length, 1)
        }
      })
    }
  } else {
    await t.test('bytes that are not UTF-8 are refused and reported', async (t) => {
      const { port, malformed, ...rest } = await bench(t, traits)
      for (const bytes of [
        'GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n',
        'GET /?a=\xe9x HTTP/1.1\r\nHost: a\r\n\r\n',
        'GET / HTTP/1.1\r\nHost: a\r\nX-A: a\xe9b\r\n\r\n',
      ]) {
        const client = await RawClient.connect(port)
        client.send(bytes)
        t.equal((await client.head()).status, 400)
        await client.closed
      }
      t.same(
        malformed.map(({ reason }) => reason),
        ['undecodable_bytes', 'undecodable_bytes', 'undecodable_bytes'],
      )
      t.equal(rest.waiting, 0)
    })
  }
}
