import { METHODS } from 'node:http'
import fc from 'fast-check'
import t from 'tap'
import { SELF_TEST_CASES } from '../../../../gateway/listener/self-test-cases.js'
import { nginxPeer, nodePeer, type Peer, type Reading, readingOf, strictPeer } from './peers.js'

/** The full run: `PORTCULLIS_DIFFERENTIAL_RUNS=20000`. */
const RUNS = Number(process.env['PORTCULLIS_DIFFERENTIAL_RUNS'] ?? 400)
const SEED = Number(process.env['PORTCULLIS_DIFFERENTIAL_SEED'] ?? 20_261_121)

/** Stands behind each sample: what is made of it tells where a server thinks that the sample ends. */
const NEXT = 'GET /next HTTP/1.1\r\nHost: next\r\nConnection: close\r\n\r\n'

const PIECES = [
  ...'\r\n\0\t :;,/\x7f\xff0_'.split(''),
  '\r\n',
  'Content-Length: 3\r\n',
  'Transfer-Encoding: chunked\r\n',
]

/** Requests with some bytes changed, left out, doubled or put in; their connection stays open. */
const samples = fc
  .tuple(
    fc.constantFrom(...SELF_TEST_CASES.map(({ bytes }) => bytes.replace('Connection: close\r\n', ''))),
    fc.array(
      fc.record({
        at: fc.nat({ max: 600 }),
        kind: fc.constantFrom('change', 'drop', 'double', 'insert'),
        piece: fc.constantFrom(...PIECES),
      }),
      { maxLength: 2 },
    ),
  )
  .map(([text, changes]) => {
    let result = text
    for (const { at, kind, piece } of changes) {
      const i = at % result.length
      if (kind === 'change') result = result.slice(0, i) + piece + result.slice(i + 1)
      else if (kind === 'drop') result = result.slice(0, i) + result.slice(i + 1)
      else if (kind === 'double') result = result.slice(0, i + 1) + result.slice(i)
      else result = result.slice(0, i) + piece + result.slice(i)
    }
    return result
  })

/** What we refuse and another takes, by our reason. Whoever is not listed must refuse it too. */
const TAKEN_ELSEWHERE: Readonly<
  Record<string, { readonly by: readonly Peer['name'][]; readonly why: string }>
> = {
  bare_lf: {
    by: ['nginx', 'node'],
    why: 'nginx takes LF alone for the end of a line, as RFC 9112 section 2.2 allows; node before a request only',
  },
  empty_line: { by: ['nginx', 'node'], why: 'skips any number of empty lines before a request' },
  bare_cr: { by: ['nginx'], why: 'skips further CRs before LF' },
  invalid_target: { by: ['nginx', 'node'], why: 'several spaces behind the method, RFC 9112 section 3' },
  invalid_version: { by: ['nginx', 'node'], why: 'spaces around the version, RFC 9112 section 3' },
  missing_version: { by: ['node'], why: 'takes a request line of two parts for HTTP/0.9' },
  unsupported_version: {
    by: ['nginx', 'node'],
    why: 'nginx reads 1.2 to 1.9 as 1.1; node takes 0.9 and 2.0',
  },
  transfer_encoding_in_http_1_0: {
    by: ['node'],
    why: 'reads it as in HTTP/1.1; RFC 9112 section 6.1 calls such framing faulty',
  },
  invalid_header_name: { by: ['nginx'], why: 'drops such a field in silence' },
  missing_colon: { by: ['nginx'], why: 'drops such a field in silence' },
  invalid_chunk_extension: { by: ['nginx', 'node'], why: 'look at chunk extensions not at all, or little' },
  chunk_data_not_ended: { by: ['nginx'], why: 'takes LF alone behind the data of a chunk' },
  empty_header_name: { by: ['nginx'], why: 'drops such a field in silence' },
  space_before_colon: { by: ['nginx'], why: 'drops such a field in silence' },
  line_folding: { by: ['nginx'], why: 'drops such a line in silence' },
  invalid_header_value: { by: ['nginx'], why: 'lets all controls but NUL through' },
  fragment_in_target: { by: ['nginx', 'node'], why: 'a fragment is never sent; who gets one cuts it or not' },
  several_hosts: { by: ['node'], why: 'leaves it to the application' },
  invalid_host: { by: ['nginx', 'node'], why: 'leaves it to the application' },
  empty_host: { by: ['nginx', 'node'], why: 'leaves it to the application' },
}

const SAME_LENGTH_AGAIN = /^content-length:[\t ]*([0-9]+)[\t ]*\r$[^]*^content-length:[\t ]*\1[\t ]*\r$/im

/** What we take and another refuses. Two that take the same bytes must read the same, always. */
const REFUSED_ELSEWHERE: readonly {
  readonly by: Peer['name']
  readonly why: string
  /** The request as we read it, and all that was sent. */
  readonly when: (request: Request, sent: string) => boolean
}[] = [
  {
    by: 'node',
    why: 'knows only methods of the IANA list',
    when: ({ method }) => !METHODS.includes(method),
  },
  {
    by: 'nginx',
    why: 'knows only methods of upper-case letters, - and _',
    when: ({ method }) => !/^[A-Z_-]+$/.test(method),
  },
  {
    by: 'node',
    why: 'takes no bytes over 0x7F in a target',
    when: ({ target }) => /[\x80-\xff]/.test(target),
  },
  {
    by: 'node',
    why: 'takes no second Content-Length, though RFC 9110 section 8.6 allows the same again',
    when: (_request, sent) => SAME_LENGTH_AGAIN.test(sent),
  },
  {
    by: 'nginx',
    why: 'takes no second Content-Length, though RFC 9110 section 8.6 allows the same again',
    when: (_request, sent) => SAME_LENGTH_AGAIN.test(sent),
  },
  {
    by: 'nginx',
    why: 'takes no tab around a host, which is optional white space, and no two dots in it',
    when: (_request, sent) => /^(?:host:|\S+ [a-z]+:)[^\r]*(?:\t|\.\.)/im.test(sent),
  },
  {
    by: 'nginx',
    why: 'takes no target that is no path, and none that leaves the root',
    when: ({ target }) => !/^(\/|https?:\/\/)/i.test(target) || /\.\.|%2e|%00|%z/i.test(target),
  },
  {
    by: 'node',
    why: 'checks the form of a target',
    when: ({ target }) => !target.startsWith('/'),
  },
]

interface Request {
  readonly method: string
  /** Without the scheme and host that nginx takes off. */
  readonly target: string
  readonly body: string
}

function requests(reading: Reading): readonly Request[] {
  return reading.taken.map((text) => {
    const [method, target, body] = JSON.parse(text) as [string, string, string]
    return { method, target: target.replace(/^[a-z]+:\/\/[^/]*/i, ''), body }
  })
}

const alike = (one: Request | undefined, other: Request | undefined): boolean =>
  one?.method === other?.method && one?.target === other?.target && one?.body === other?.body

/** Undefined when two readings agree, or differ in a way that is explained. */
function unexplained(
  ours: readonly Request[],
  reason: string,
  peer: Peer['name'],
  theirs: readonly Request[],
  sent: string,
): string | undefined {
  for (let i = 0; ; i++) {
    const one = ours[i]
    const other = theirs[i]
    if (one === undefined && other === undefined) return undefined
    if (one === undefined)
      return TAKEN_ELSEWHERE[reason]?.by.includes(peer) === true ? undefined : `${peer} takes: ${reason}`
    if (other === undefined) {
      const known = REFUSED_ELSEWHERE.some(({ by, when }) => by === peer && when(one, sent))
      return known ? undefined : `${peer} refuses ${one.method} ${one.target}`
    }
    if (!alike(one, other)) return `${peer} reads another request`
  }
}

await t.test(
  'what we take, nginx and node take for the same or refuse, and every difference is explained',
  async (t) => {
    const reasons: string[] = []
    const strict = await strictPeer(t, reasons)
    const peers = [await nodePeer(t), await nginxPeer(t)]
    const found = new Map<string, string>()
    let agreed = 0
    await fc.assert(
      fc.asyncProperty(samples, async (sent) => {
        reasons.length = 0
        const [ours, ...theirs] = await Promise.all(
          [strict, ...peers].map((peer) => readingOf(peer, sent + NEXT)),
        )
        for (const [i, peer] of peers.entries()) {
          const mine = requests(ours!)
          const other = requests(theirs[i]!)
          if (mine.length === other.length && mine.every((request, at) => alike(request, other[at]))) agreed++
          const what = unexplained(mine, reasons[0] ?? 'none', peer.name, other, sent)
          if (what !== undefined && !found.has(what))
            found.set(what, JSON.stringify({ sent, ours, other: theirs[i] }))
        }
      }),
      { numRuns: RUNS, seed: SEED },
    )
    for (const [what, example] of found) t.fail(`${what}: ${example}`)
    t.ok(agreed > RUNS, `${agreed} of ${2 * RUNS} readings agree`)
  },
)
