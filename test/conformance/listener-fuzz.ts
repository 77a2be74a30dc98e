import fc from 'fast-check'
import type { Test } from 'tap'
import type { Exchange } from '../../gateway/listener/listener.js'
import { SELF_TEST_CASES } from '../../gateway/listener/self-test-cases.js'
import { bench, type ListenerTraits } from './listener-under-test.js'
import { RawClient } from './raw-client.js'

const RUNS = 400
const SEED = 20_260_101

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array).toString('latin1'))

/** Real requests with a few bytes changed, left out, doubled or put in. */
const mutated = fc
  .tuple(
    fc.constantFrom(...SELF_TEST_CASES.map((testCase) => testCase.bytes)),
    fc.array(
      fc.record({
        at: fc.nat({ max: 65_535 }),
        kind: fc.constantFrom('change', 'drop', 'double', 'insert'),
        byte: fc.oneof(
          fc.constantFrom(...'\r\n\0\t :;,#?/\x7f\x80\xff0'.split('')),
          fc.integer({ min: 0, max: 255 }).map((n) => String.fromCharCode(n)),
        ),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  )
  .map(([text, changes]) => {
    let result = text
    for (const { at, kind, byte } of changes) {
      const i = at % Math.max(1, result.length)
      if (kind === 'change') result = result.slice(0, i) + byte + result.slice(i + 1)
      else if (kind === 'drop') result = result.slice(0, i) + result.slice(i + 1)
      else if (kind === 'double') result = result.slice(0, i + 1) + result.slice(i)
      else result = result.slice(0, i) + byte + result.slice(i)
    }
    return result
  })

export async function fuzzTests(t: Test, traits: ListenerTraits): Promise<void> {
  await t.test(
    'whatever comes, the connection ends in an answer or a close, and nothing is made up',
    async (t) => {
      const seen: Exchange[] = []
      const { port, failures } = await bench(t, traits, {
        onExchange: (request) => {
          seen.push(request)
          if (request.refuse !== undefined) {
            request.respond(400, [])
            return
          }
          request.body.read({
            onData: () => undefined,
            onEnd: () => request.respond(200, [], 'ok'),
            onError: () => request.respond(400, []),
          })
        },
        onUpgrade: (upgrade) => upgrade.respond(403, []),
      })
      let delivered = 0
      let ended = 0
      await fc.assert(
        fc.asyncProperty(
          fc.oneof({ weight: 1, arbitrary: bytes }, { weight: 3, arbitrary: mutated }),
          async (sent) => {
            seen.length = 0
            const client = await RawClient.connect(port)
            client.socket.end(Buffer.from(sent, 'latin1'))
            await client.closed
            ended++
            for (const request of seen) {
              delivered++
              if (traits.exactNames) checkPresent(request, sent)
            }
          },
        ),
        { numRuns: RUNS, seed: SEED },
      )
      t.ok(ended >= RUNS)
      t.ok(delivered > RUNS / 20, `${delivered} requests were delivered`)
      t.same(failures, [])
      const client = await RawClient.connect(port)
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      await client.take('ok')
      client.destroy()
    },
  )
}

/** Each part of what was delivered stands in what was sent, in this order, with nothing else between than HTTP's own signs. */
function checkPresent(request: Exchange, sent: string): void {
  let at = sent.indexOf(`${request.method} `)
  if (at < 0) throw new Error(`made up the method ${request.method}`)
  at += request.method.length
  at = expectAt(sent, at, request.target)
  for (const [name, value] of request.headers) {
    at = expectAt(sent, at, `\r\n${name}:`)
    while (sent[at] === ' ' || sent[at] === '\t') at++
    if (!sent.startsWith(value, at)) throw new Error(`made up the value of ${name}`)
    at += value.length
    while (sent[at] === ' ' || sent[at] === '\t') at++
    if (!sent.startsWith('\r\n', at)) throw new Error(`cut the value of ${name}`)
  }
  if (!sent.startsWith('\r\n\r\n', at)) throw new Error('left out a field')
}

function expectAt(sent: string, from: number, text: string): number {
  const at = sent.indexOf(text, from)
  if (at < 0) throw new Error(`made up ${JSON.stringify(text)}`)
  return at + text.length
}
