import t from 'tap'
import { EntryAudit } from '../../../ledger/audit/entry-audit.js'
import { PolicyKeys } from '../../../ledger/audit/policy-keys.js'
import { leafHash } from '../../../proofs/hashing.js'
import { signRegistration, signRevocation, signRotation } from '../../../proofs/key-actions.js'
import { provePossession } from '../../../proofs/key-possession.js'
import { encodeVkey } from '../../../proofs/note-key.js'
import { parsePolicy } from '../../../proofs/policy.js'
import { uuidv7 } from '../../../runtime/uuid.js'
import { agent, batch, note } from '../sample-log.js'

const ORIGIN = 'example.org/log'
const alice = agent('alice')
const bob = agent('bob')
const keys = new PolicyKeys(
  parsePolicy(`agent ${encodeVkey(alice)}\nagent ${encodeVkey(bob)} 0-9\nquorum none\n`),
  ORIGIN,
)

function judge(
  entries: readonly Uint8Array[],
  first = 0,
  judges = keys,
): { code: string; index: number | undefined }[] {
  const audit = new EntryAudit(judges)
  const found = entries.flatMap((entry, i) => [...audit.take(first + i, entry, leafHash(entry))])
  return [...found, ...audit.end()].map(({ code, index }) => ({ code, index }))
}

void t.test('signed and sealed entries pass', async (t) => {
  t.same(judge([note(alice), ...batch(alice, 0, 5), note(bob), ...batch(bob, 0, 1)]), [])
})

void t.test('an action without a seal is unsigned', async (t) => {
  const [first, second] = batch(alice, 0, 2)
  t.same(judge([first!, second!, note(alice)]), [
    { code: 'unsigned', index: 0 },
    { code: 'unsigned', index: 1 },
  ])
  t.same(judge([first!]), [{ code: 'unsigned', index: 0 }])
  t.same(judge([first!, ...batch(alice, 4, 2)]), [{ code: 'unsigned', index: 0 }])
})

void t.test('a seal must fit what stands before it', async (t) => {
  const [first, second, seal] = batch(alice, 0, 2)
  t.same(judge([second!, seal!]), [{ code: 'truncated', index: 1 }])
  t.same(judge([second!, first!, seal!]), [{ code: 'seq_gap', index: 2 }])
  const [other] = batch(alice, 0, 1)
  t.same(judge([other!, second!, seal!]), [{ code: 'bad_root', index: 2 }])
  const [foreign] = batch(bob, 0, 1)
  t.same(judge([foreign!, second!, seal!]), [{ code: 'wrong_session', index: 2 }])
})

void t.test('keys must be known, and valid at the index', async (t) => {
  t.same(judge([note(agent('alice'))]), [{ code: 'unknown_key', index: 0 }])
  t.same(judge([note(bob)], 9), [])
  t.same(judge([note(bob)], 10), [{ code: 'key_not_valid_at', index: 10 }])
  const damaged = Buffer.from(note(alice))
  damaged[damaged.length - 20] = damaged[damaged.length - 20] === 65 ? 66 : 65
  t.same(judge([damaged]), [{ code: 'bad_signature', index: 0 }])
})

void t.test('what is no entry of ours is said so', async (t) => {
  t.same(judge([Buffer.from('hello')]), [{ code: 'malformed_note', index: 0 }])
})

void t.test('keys that the log introduces are valid between their entries', async (t) => {
  const root = agent('root')
  const carol = agent('carol')
  const next = agent('carol')
  const nonce = '0'.repeat(32)
  const context = () => ({ id: uuidv7(Date.now()), session: 'keys', ts: 1 })
  const claim = {
    name: 'carol',
    publicKey: carol.publicKey,
    nonce,
    possession: provePossession({ origin: ORIGIN, name: 'carol', nonce }, carol),
  }
  const pinned = () => new PolicyKeys(parsePolicy(`root ${encodeVkey(root)}\nquorum none\n`), ORIGIN)
  const entries = [
    signRegistration(claim, root, context()),
    note(carol),
    ...batch(carol, 0, 2),
    signRotation(carol, next, { origin: ORIGIN, nonce }, context()),
    note(next),
    signRevocation(next, root, 'retired', context()),
  ]
  t.same(judge(entries, 0, pinned()), [])
  t.same(judge([note(carol), ...entries], 0, pinned()), [{ code: 'unknown_key', index: 0 }])
  t.same(judge([...entries, note(carol), ...batch(next, 0, 1)], 0, pinned()), [
    { code: 'key_not_valid_at', index: 8 },
    { code: 'key_not_valid_at', index: 10 },
  ])
  const [registration] = entries
  t.same(judge([registration!, registration!], 0, pinned()), [{ code: 'key_reused', index: 1 }])
  t.same(judge([signRegistration(claim, agent('root'), context())], 0, pinned()).length, 1, 'by a wrong root')
})
