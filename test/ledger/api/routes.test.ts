import { stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import t from 'tap'
import { decodeBase64 } from '../../../proofs/base64.js'
import { parseSignedCheckpoint } from '../../../proofs/checkpoint.js'
import { leafHash } from '../../../proofs/hashing.js'
import { rootOfLeafHashes, verifyConsistency } from '../../../proofs/merkle.js'
import { decodeVkey, encodeVkey } from '../../../proofs/note-key.js'
import { formatPolicy } from '../../../proofs/policy.js'
import {
  decodeEntryBundle,
  encodeEntryBundle,
  entryBundles,
  hashTiles,
  tilePath,
} from '../../../proofs/tile.js'
import { parseTlogProof, verifyTlogProof } from '../../../proofs/tlog-proof.js'
import { verifyBundle } from '../../../proofs/verify.js'
import { readIdentity } from '../../../ledger/identity.js'
import { agent, batch, note, trust } from '../sample-log.js'
import { ask, jsonOf, post, start, TOKEN } from '../sample-role.js'

const BUNDLE = { 'content-type': 'application/x.portcullis.entries' }
const JSON_TYPE = { accept: 'application/json' }

void t.test('entries go in and come out with proofs', async (t) => {
  const data = t.testdir()
  const alice = agent('alice')
  t.teardown(() => running.stop())
  await trust(data, alice)
  const running = await start(data)
  const identity = await readIdentity(join(data, 'ledger'))
  const vkeys = [decodeVkey(identity!.vkey)]

  const one = note(alice)
  const created = await post(data, one)
  t.equal(created.status, 201)
  t.equal(created.headers.location, '/v1/entries/0')
  verifyTlogProof(parseTlogProof(created.body), leafHash(one), vkeys)
  t.equal((await post(data, one)).status, 200, 'again')

  const sealed = batch(alice, 1, 5)
  const many = await post(data, encodeEntryBundle(sealed), { ...BUNDLE, ...JSON_TYPE })
  t.equal(many.status, 201)
  t.same(
    jsonOf(many)['entries'],
    [1, 2, 3, 4, 5, 6].map((index) => ({ index, fresh: true })),
  )
  const proof = parseTlogProof(Buffer.from(jsonOf(many)['proof'] as string))
  verifyTlogProof(proof, leafHash(sealed[5]!), vkeys)

  const entries = [one, ...sealed]
  for (const [index, entry] of entries.entries()) {
    t.same((await ask(data, `/v1/entries/${index}`)).body, Buffer.from(entry))
    const text = await ask(data, `/v1/entries/${index}/proof`)
    verifyTlogProof(parseTlogProof(text.body), leafHash(entry), vkeys)
  }
  const { id } = JSON.parse(Buffer.from(sealed[2]!).toString().split('\n')[1]!) as { id: string }
  t.same((await ask(data, `/v1/entries/${id}`)).body, Buffer.from(sealed[2]!))
  t.same((await ask(data, `/v1/entries/${id}?agent=alice`)).body, Buffer.from(sealed[2]!))
  t.equal((await ask(data, `/v1/entries/${id}?agent=bob`)).status, 404)
  const asJson = jsonOf(await ask(data, `/v1/entries/${id}/proof`, { headers: JSON_TYPE }))
  t.match(asJson, { index: 3, size: 7, proof: Array })

  const policy = formatPolicy({
    logs: [{ verifier: vkeys[0]! }],
    witnesses: [],
    groups: [],
    quorum: 'none',
    agents: [{ verifier: decodeVkey(encodeVkey(alice)), first: 0 }],
    anchors: [],
  })
  for (let index = 0; index < entries.length; index++) {
    const receipt = await ask(data, `/v1/entries/${index}/receipt`)
    t.equal(receipt.status, 200)
    t.match(verifyBundle(receipt.body, policy), { ok: true, index })
  }
  const health = await ask(data, '/health')
  t.equal(health.status, 200)
  t.match(jsonOf(health), { status: 'ok', size: 7, origin: identity!.origin })
  t.equal((await stat(join(data, 'ledger', 'ledger.sock'))).mode & 0o777, 0o600)
})

void t.test('the static pages of tlog-tiles give the whole tree', async (t) => {
  const data = t.testdir()
  const alice = agent('alice')
  t.teardown(() => running.stop())
  await trust(data, alice)
  const running = await start(data)
  const all: Uint8Array[] = []
  let before = 0
  let older: { size: number; root: Uint8Array } | undefined
  for (const count of [3, 251, 2, 300]) {
    const sealed = batch(alice, all.length, count)
    all.push(...sealed)
    t.equal((await post(data, encodeEntryBundle(sealed), BUNDLE)).status, 201)
    const { checkpoint } = parseSignedCheckpoint((await ask(data, '/checkpoint')).body)
    t.equal(checkpoint.size, all.length)
    t.same(Buffer.from(checkpoint.root), Buffer.from(rootOfLeafHashes(all.map(leafHash))))
    for (const tile of hashTiles(checkpoint.size, before)) {
      const answer = await ask(data, `/${tilePath(tile)}`)
      t.equal(answer.status, 200)
      t.match(answer.headers['cache-control'], /immutable/)
      t.equal(answer.body.length, tile.width * 32)
      if (tile.level !== 0) continue
      const leaves = all.slice(tile.index * 256, tile.index * 256 + tile.width).map(leafHash)
      t.same(answer.body, Buffer.concat(leaves))
    }
    for (const tile of entryBundles(checkpoint.size, before)) {
      const { body } = await ask(data, `/${tilePath(tile)}`)
      const expected = all.slice(tile.index * 256, tile.index * 256 + tile.width)
      t.same(
        decodeEntryBundle(body, 256).map((entry) => Buffer.from(entry)),
        expected.map((entry) => Buffer.from(entry)),
      )
    }
    if (older !== undefined) {
      const { from, to, proof } = jsonOf(await ask(data, `/v1/consistency?from=${older.size}`))
      const hashes = (proof as string[]).map((hash) => decodeBase64(hash)!)
      t.ok(verifyConsistency(Number(from), Number(to), hashes, older.root, checkpoint.root))
    }
    older = { size: checkpoint.size, root: checkpoint.root }
    before = checkpoint.size
  }
  t.equal((await ask(data, '/tile/0/000.p/4')).status, 200, 'the partial tile of an earlier size')
  t.equal((await ask(data, '/tile/0/003')).status, 404)
  t.equal((await ask(data, '/tile/0/002.p/200')).status, 404)
  t.equal((await ask(data, '/tile/entries/009')).status, 404)
  t.equal((await ask(data, '/tile/0/2')).status, 404)
})

void t.test('what cannot be taken is refused by name', async (t) => {
  const data = t.testdir()
  const alice = agent('alice')
  const mallory = agent('mallory')
  t.teardown(() => running.stop())
  await trust(data, alice)
  const running = await start(data)
  const sealed = batch(alice, 0, 3)
  const id = '018f0000-0000-7000-8000-000000000001'
  await post(data, note(alice, { id }))

  const refused: [what: string, status: number, code: string, body: Uint8Array, headers?: object][] = [
    ['nothing', 400, 'malformed_note', Buffer.alloc(0)],
    ['garbage', 400, 'malformed_note', Buffer.from('garbage\n')],
    ['no media type', 415, 'unsupported_media_type', note(alice), { 'content-type': 'text/plain' }],
    ['an unknown agent', 403, 'unknown_key', note(mallory)],
    ['a stranger under a known name', 403, 'unknown_key', note(agent('alice'))],
    ['a flipped signature', 403, 'bad_signature', flip(note(alice), -10)],
    ['another entry under a used id', 409, 'id_conflict', note(alice, { id, seq: 4 })],
    ['an unsigned action', 400, 'unsealed', sealed[0]!],
    ['a batch without its seal', 400, 'unsealed', encodeEntryBundle(sealed.slice(0, 3)), BUNDLE],
    ['a batch that lacks an action', 400, 'truncated', encodeEntryBundle(sealed.slice(1)), BUNDLE],
    [
      'a batch in another order',
      400,
      'seq_gap',
      encodeEntryBundle([1, 0, 2, 3].map((i) => sealed[i]!)),
      BUNDLE,
    ],
    ['a seal alone', 400, 'truncated', sealed[3]!],
    ['a seal of a stranger', 403, 'unknown_key', encodeEntryBundle(batch(mallory, 0, 2)), BUNDLE],
    ['a bundle that is cut off', 400, 'malformed_bundle', encodeEntryBundle(sealed).subarray(0, -3), BUNDLE],
    ['an empty bundle', 400, 'bad_request', Buffer.alloc(0), BUNDLE],
  ]
  for (const [what, status, code, body, headers] of refused) {
    const answer = await post(data, body, { ...headers })
    t.equal(answer.status, status, what)
    t.equal(answer.headers['content-type'], 'application/problem+json')
    t.match(jsonOf(answer), { code, status, type: `urn:portcullis:ledger:${code}` }, what)
  }
  const swapped = batch(alice, 0, 3)
  const foreign = [...swapped.slice(0, 3), sealed[3]!]
  t.equal(
    jsonOf(await post(data, encodeEntryBundle(foreign), BUNDLE))['code'],
    'bad_root',
    'a seal of another batch',
  )

  const gets: [target: string, status: number, code: string][] = [
    ['/v1/entries/99', 404, 'not_found'],
    ['/v1/entries/01', 400, 'bad_request'],
    ['/v1/entries/not-an-id', 400, 'bad_request'],
    ['/v1/entries/%zz', 400, 'bad_request'],
    ['/v1/entries/9007199254740993', 404, 'not_found'],
    ['/v1/entries/018f0000-0000-7000-8000-000000000002', 404, 'not_found'],
    ['/v1/entries/0?who=me', 400, 'bad_request'],
    ['/v1/entries/0?agent=a&agent=b', 400, 'bad_request'],
    ['/v1/consistency', 400, 'bad_request'],
    ['/v1/consistency?from=0', 400, 'bad_request'],
    ['/v1/consistency?from=1&to=2', 404, 'not_found'],
    ['/v1/entries', 405, 'method_not_allowed'],
    ['/elsewhere', 404, 'not_found'],
    ['/tile/../checkpoint', 404, 'not_found'],
  ]
  for (const [target, status, code] of gets) {
    const answer = await ask(data, target)
    t.equal(answer.status, status, target)
    t.match(jsonOf(answer), { code })
  }
  t.match((await ask(data, '/checkpoint', { method: 'DELETE' })).headers, { allow: 'GET, HEAD' })
  const head = await ask(data, '/checkpoint', { method: 'HEAD' })
  t.equal(head.status, 200)
  t.equal(head.body.length, 0)
  t.match(jsonOf(await ask(data, '/health')), { size: 1 }, 'nothing of all this was appended')
})

void t.test('bodies are bounded, announced or not', async (t) => {
  const data = t.testdir()
  const running = await start(data, { config: { max_body_bytes: 65_536 } })
  t.teardown(() => running.stop())
  const large = Buffer.alloc(70_000, 'x')
  t.equal((await post(data, large)).status, 413)
  const chunked = await post(data, large, { 'transfer-encoding': 'chunked' })
  t.equal(chunked.status, 413)
  t.match(jsonOf(chunked), { code: 'too_large' })
  t.equal((await ask(data, '/health')).status, 200)
})

void t.test('over TCP anybody may read, and writes need the token', async (t) => {
  const data = t.testdir()
  const alice = agent('alice')
  t.teardown(() => running.stop())
  await trust(data, alice)
  const running = await start(data, { tcp: true })
  const where = `http://${running.role.info['listen']}`
  const entry = note(alice)
  t.equal((await ask(where, '/checkpoint')).status, 200)
  const without = await post(where, entry)
  t.equal(without.status, 401)
  t.equal(without.headers['www-authenticate'], 'Bearer')
  t.equal((await post(where, entry, { authorization: `Bearer ${TOKEN}x` })).status, 401)
  t.equal((await post(where, entry, { authorization: `Basic ${TOKEN}` })).status, 401)
  t.equal((await post(where, entry, { authorization: `Bearer ${TOKEN}` })).status, 201)
  t.equal((await post(data, entry)).status, 200, 'the socket asks for none')

  const { port, hostname } = new URL(where)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  socket.write('not http at all\r\n\r\n')
  t.match((await buffer(socket)).toString(), /^HTTP\/1\.1 400/)
})

void t.test('without a configured token, TCP takes no writes', async (t) => {
  const data = t.testdir()
  const alice = agent('alice')
  const running = await start(data, { config: { listen: '127.0.0.1:0' } })
  t.teardown(() => running.stop())
  const answer = await post(`http://${running.role.info['listen']}`, note(alice), {
    authorization: 'Bearer x',
  })
  t.equal(answer.status, 403)
  t.match(jsonOf(answer), { code: 'forbidden' })
})

function flip(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Buffer.from(bytes)
  const index = copy.length + at
  copy[index] = copy[index] === 0x41 ? 0x42 : 0x41
  return copy
}

void t.test('who may not post is told so before the body is read', async (t) => {
  const running = await start(t.testdir(), { tcp: true })
  t.teardown(() => running.stop())
  const [host = '', port = ''] = (running.role.info['listen'] ?? '').split(':')
  for (const head of [
    'POST /v1/entries HTTP/1.1\r\ncontent-length: 1000000',
    'POST /v1/entries HTTP/1.1\r\ntransfer-encoding: chunked',
    'POST /v1/keys HTTP/1.1\r\nauthorization: Bearer wrong\r\ncontent-length: 1000000',
    'POST /nowhere HTTP/1.1\r\ncontent-length: 1000000',
  ]) {
    const socket = connect(Number(port), host)
    // Not a byte of the body is sent.
    socket.write(`${head}\r\nhost: ledger\r\n\r\n`)
    const answer = (await buffer(socket)).toString()
    t.match(answer, head.includes('nowhere') ? /^HTTP\/1\.1 404 / : /^HTTP\/1\.1 401 /)
    t.match(answer, /^connection: close$/im)
  }
})
