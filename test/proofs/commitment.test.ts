import fc from 'fast-check'
import t from 'tap'
import { checkAction } from '../../proofs/action.js'
import type { ActionPayload } from '../../proofs/action.js'
import { encodeHex, utf8Bytes } from '../../proofs/bytes.js'
import {
  commitBody,
  commitFields,
  commitmentOf,
  discloseFields,
  formatOpening,
  MAX_BODY_BYTES,
  openCommitment,
  parseOpening,
} from '../../proofs/commitment.js'
import type { Commitment, FieldsOpening } from '../../proofs/commitment.js'
import { sha256 } from '../../proofs/hashing.js'
import { ProofError } from '../../proofs/errors.js'

const result = (members: { readonly [member: string]: Commitment }): ActionPayload =>
  checkAction({
    v: 1,
    id: '018f0000-0000-7000-8000-000000000001',
    agent: 'alice',
    session: 's',
    seq: 0,
    ts: 1,
    kind: 'tool.result',
    status: 'ok',
    target: { server: 'files', tool: 'read' },
    ...members,
  })

const fields = { account: 'DE89', amount: '12', card: '4111', note: { lines: [1, 2], paid: true } }

void t.test('request and response are committed to, each with a salt of its own', async (t) => {
  const body = utf8Bytes('{"card":"************1111"}')
  const [request, response] = [commitBody(body), commitBody(body)]
  const action = result({ in: commitmentOf(request), out: commitmentOf(response) })
  t.not(commitmentOf(request).hash, commitmentOf(response).hash, 'the same bytes do not show as the same')
  t.same(openCommitment(action, request), ['in'])
  t.same(openCommitment(action, parseOpening(formatOpening(response))), ['out'])
  t.throws(() => openCommitment(action, commitBody(body)), { code: 'COMMITMENT_MISMATCH' }, 'another salt')
  t.throws(() => openCommitment(action, { ...request, body: utf8Bytes('{}') }), {
    code: 'COMMITMENT_MISMATCH',
  })
})

void t.test('what can be guessed is not confirmed by its commitment', async (t) => {
  const { hash } = commitmentOf(commitBody(utf8Bytes('alice@example.org')))
  t.not(hash, encodeHex(sha256(utf8Bytes('alice@example.org'))))
})

void t.test('a frozen opening opens its commitment', async (t) => {
  const text =
    '{"alg":"hmac-sha256","body":"aGVsbG8=","format":"portcullis.dev/opening/v1","salt":"000102030405060708090a0b0c0d0e0f"}\n'
  const opening = parseOpening(utf8Bytes(text))
  t.equal(commitmentOf(opening).hash, '9163eb0d568a28e3994c969c9d5dfef181ccbbb0a8742b30464d4d200cbcb4f4')
  t.equal(Buffer.from(formatOpening(opening)).toString(), text)
  const salt = '"salt":"000102030405060708090a0b0c0d0e0f"'
  const tree =
    `{"alg":"salted-tree-sha256","fields":[{"index":0,"name":"a",${salt},"value":1},{"index":1,"name":"b",${salt},"value":"x"}],` +
    '"format":"portcullis.dev/opening/v1","proof":[],"size":2}\n'
  t.equal(
    commitmentOf(parseOpening(utf8Bytes(tree))).hash,
    '57637d5160e62863123d7aec98c984cc4a3ef66618dd05399772ae1bfb9738b8',
  )
})

void t.test('fields are shown one by one, and hide the others', async (t) => {
  const opening = commitFields(fields)
  const action = result({ out: commitmentOf(opening) })
  for (const names of [['amount'], ['account', 'note'], Object.keys(fields)]) {
    const bytes = formatOpening(discloseFields(opening, names))
    const shown = parseOpening(bytes)
    t.same(openCommitment(action, shown), ['out'])
    if (shown.alg !== 'salted-tree-sha256') throw new Error('it is of another kind')
    t.same(
      shown.fields.map(({ name }) => name),
      names,
    )
    const text = Buffer.from(bytes).toString()
    for (const other of opening.fields.filter(({ name }) => !names.includes(name))) {
      t.notMatch(text, encodeHex(other.salt), 'neither the salt')
      t.notMatch(text, other.name, 'nor the name')
    }
  }
  const [first] = discloseFields(opening, ['amount']).fields
  const lie: FieldsOpening = { ...discloseFields(opening, ['amount']), fields: [{ ...first!, value: '13' }] }
  t.throws(() => openCommitment(action, lie), { code: 'COMMITMENT_MISMATCH' })
  t.throws(() => discloseFields(opening, ['cvv']), { code: 'MALFORMED_OPENING' })
  t.throws(() => commitFields({}), { code: 'MALFORMED_OPENING' })
})

void t.test('a body over the limit is refused, one of any bytes is not', async (t) => {
  t.throws(() => commitBody(new Uint8Array(MAX_BODY_BYTES + 1)), { code: 'TOO_LARGE' })
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (body) => {
      const opening = commitBody(body)
      return commitmentOf(parseOpening(formatOpening(opening))).hash === commitmentOf(opening).hash
    }),
  )
})

void t.test('hostile openings are refused, and take no longer than they are long', async (t) => {
  const whole = formatOpening(commitFields(fields))
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const bytes = Uint8Array.from(whole)
      bytes[at] = bytes[at]! ^ flip
      try {
        const opening = parseOpening(bytes)
        // A changed salt, value or name is well formed, and opens something else.
        return commitmentOf(opening).hash !== commitmentOf(parseOpening(whole)).hash
      } catch (error) {
        return error instanceof ProofError
      }
    }),
    { numRuns: 500 },
  )
  const largest = commitBody(new Uint8Array(MAX_BODY_BYTES).fill(0x7a))
  t.equal(commitmentOf(parseOpening(formatOpening(largest))).hash, commitmentOf(largest).hash)
  const text = Buffer.from(whole).toString()
  for (const bad of [
    text.replace('"size":4', '"size":9007199254740991'),
    text.replace('"size":4', '"size":0'),
    text.replace('opening/v1', 'opening/v2'),
    text.replace('salted-tree-sha256', 'sha256'),
    text.replace('"proof":[]', '"proof":[""]'),
    text.replace('"index":1', '"index":0'),
    text.trimEnd(),
  ]) {
    t.throws(() => commitmentOf(parseOpening(utf8Bytes(bad))), ProofError, bad.slice(-60))
  }
})
