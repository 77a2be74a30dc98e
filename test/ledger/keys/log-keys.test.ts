import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { generateSeed } from '../../../proofs/ed25519.js'
import { SMALL_ORDER_POINTS } from '../../../proofs/edwards25519.js'
import { signRegistration, signRevocation, signRotation } from '../../../proofs/key-actions.js'
import { decodeVkey, encodeVkey, noteSigner } from '../../../proofs/note-key.js'
import type { NoteSigner } from '../../../proofs/note-key.js'
import { uuidv7 } from '../../../runtime/uuid.js'
import { admit } from '../../../ledger/admission.js'
import { makeRequest } from '../../../ledger/keys/request.js'
import type { Log } from '../../../ledger/log.js'
import { agent, append, batch, indexes, note, open } from '../sample-log.js'

const place = () => ({ id: uuidv7(Date.now()), session: 'keys', ts: 1 })
const listed = ({ keys }: Log) =>
  keys.directory.keys.map(({ verifier, ...rest }) => ({ vkey: encodeVkey(verifier), ...rest }))
const nonce = 'ab'.repeat(16)
const revocation = (key: NoteSigner, by: NoteSigner) => signRevocation(key, by, 'compromised', place())
const rotation = (from: NoteSigner, to: NoteSigner, origin: string) =>
  signRotation(from, to, { origin, nonce }, place())

void t.test('a key rotates in the middle of a session, and only its successor goes on', async (t) => {
  const folder = t.testdir()
  const [root, old, next] = [agent('root'), agent('alice'), agent('alice')]
  let log = await open(folder, [root, old])
  await append(log, [note(old, { seq: 0 })])
  await t.rejects(append(log, [note(next, { seq: 1 })]), { code: 'UNKNOWN_KEY' })
  const entry = rotation(old, next, log.identity.origin)
  t.same(indexes(await append(log, [entry])), [2])
  for (const run of ['before', 'after'] as const) {
    await t.rejects(append(log, [note(old, { seq: 1 })]), { code: 'KEY_NOT_VALID_AT' }, `${run} a restart`)
    await t.rejects(append(log, batch(old, 1, 2)), { code: 'KEY_NOT_VALID_AT' })
    await append(log, [note(next, { seq: run === 'before' ? 1 : 2 })])
    t.same(await append(log, [entry]), [{ index: 2, fresh: false }], 'the same rotation keeps its index')
    await log.close()
    log = await open(folder, [])
  }
  t.match(log.keys.directory.keysOf('alice'), [{ first: 0, last: 2, end: 'rotated' }, { first: 2 }])
  await log.close()
})

void t.test('a key that ends while its batch is on its way signs nothing', async (t) => {
  const [root, alice] = [agent('root'), agent('alice')]
  const log = await open(t.testdir(), [root, alice])
  // Both are admitted while the key is valid; the revocation is appended first.
  const sealed = await admit(batch(alice, 0, 3), log.keys)
  const single = await admit([note(alice)], log.keys)
  const revoking = await admit([revocation(alice, root)], log.keys)
  const [revoked, ...late] = await Promise.allSettled(
    [revoking, sealed, single].map((units) => log.append(units)),
  )
  t.equal(revoked?.status, 'fulfilled')
  for (const append of late) t.match(append, { reason: { code: 'KEY_NOT_VALID_AT' } })
  t.equal(log.published.size, 2)
  await log.close()
})

void t.test('inside one call the order decides, and a refused call changes nothing', async (t) => {
  const [root, alice, next] = [agent('root'), agent('alice'), agent('alice')]
  const log = await open(t.testdir(), [root, alice])
  const revoke = revocation(alice, alice)
  await t.rejects(append(log, [revoke, note(alice)]), { code: 'KEY_NOT_VALID_AT' })
  t.equal(log.published.size, 1)
  const known = note(alice)
  t.same(indexes(await append(log, [known, known, revoke])), [1, 1, 2])
  t.match(log.keys.directory.find(alice.publicKey), { last: 2 })
  t.same(await append(log, [known]), [{ index: 1, fresh: false }], 'what it signed before stays')
  await t.rejects(append(log, [rotation(alice, next, log.identity.origin)]), { code: 'KEY_NOT_VALID_AT' })
  await log.close()
})

void t.test('registrations that prove nothing are refused by name', async (t) => {
  const [root, alice, stranger] = [agent('root'), agent('alice'), agent('root')]
  const log = await open(t.testdir(), [root])
  const request = makeRequest(alice, log.identity.origin)
  const refused: readonly (readonly [string, Uint8Array])[] = [
    ['UNKNOWN_KEY', signRegistration(request, stranger, place())],
    ['BAD_SIGNATURE', signRegistration(makeRequest(alice, 'other.example/0123456789abcdef'), root, place())],
    ['BAD_SIGNATURE', signRegistration({ ...request, nonce: 'cd'.repeat(16) }, root, place())],
    ...SMALL_ORDER_POINTS.map(
      (point) =>
        [
          'WEAK_KEY',
          signRegistration({ ...request, publicKey: Buffer.from(point, 'hex') }, root, place()),
        ] as const,
    ),
  ]
  for (const [code, entry] of refused) await t.rejects(append(log, [entry]), { code })
  t.equal(log.published.size, 0)
  await log.close()
})

void t.test('the directory follows from the log alone', async (t) => {
  const folder = t.testdir()
  const [root, alice, next] = [agent('root'), agent('alice'), agent('alice')]
  const log = await open(folder, [root, alice])
  await append(log, [rotation(alice, next, log.identity.origin)])
  await append(log, [note(next)])
  const before = listed(log)
  const { identity } = log
  await log.close()
  for (const size of [3, 4]) {
    const again = await open(folder, [])
    t.equal(again.published.size, size)
    t.same(listed(again), before)
    t.equal(again.identity.origin, identity.origin)
    await append(again, [note(next, { seq: size })])
    await again.close()
    // Whatever else a folder of keys may hold decides nothing.
    await rm(join(folder, 'requests'), { recursive: true, force: true })
  }
})

void t.test("the key of a witness is nobody else's, whichever came first", async (t) => {
  const folder = t.testdir()
  const seed = generateSeed()
  const [root, alice, watcher] = [agent('root'), agent('alice'), noteSigner('watcher', seed)]
  const log = await open(folder, [root, alice])
  const { origin } = log.identity
  const registration = (key: NoteSigner, purpose: 'agent' | 'tool' | 'approver' | 'witness') =>
    signRegistration(makeRequest(key, origin, purpose), root, place())
  const verifier = decodeVkey(encodeVkey(watcher))
  log.keys.reserveWitnesses([verifier])
  for (const purpose of ['agent', 'tool', 'approver'] as const)
    await t.rejects(append(log, [registration(watcher, purpose)]), { code: 'KEY_REUSED' }, purpose)
  const successor = noteSigner('alice', seed)
  await t.rejects(append(log, [rotation(alice, successor, origin)]), { code: 'KEY_REUSED' })
  t.equal(log.published.size, 1, 'nothing of it was appended')
  await append(log, [registration(watcher, 'witness')])
  log.keys.reserveWitnesses([verifier])
  for (const key of [alice, root]) {
    const taken = { ...decodeVkey(encodeVkey(key)), name: 'other.example' }
    t.throws(() => log.keys.reserveWitnesses([taken]), { code: 'BAD_WITNESSES' }, key.name)
  }
  await log.close()
})
