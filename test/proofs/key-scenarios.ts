/** Key entries of a small log, good and bad. The vectors in `vectors/keys.json` are these, frozen. */
import { SMALL_ORDER_POINTS } from '../../proofs/edwards25519.js'
import {
  actionOf,
  agentKey,
  approverKey,
  logKey,
  origin,
  rootKey,
  seedOf,
  strangerKey,
  uuidOf,
} from './sample-log.js'
import {
  encodeBase64,
  formatAction,
  noteSigner,
  provePossession,
  signAction,
  signRegistration,
  signRevocation,
  signRotation,
} from '../../proofs/index.js'
import type { ActionPayload, KeyActionContext, KeyClaim, NoteSigner } from '../../proofs/index.js'

export interface KeyEntry {
  readonly index: number
  readonly entry: Uint8Array
}
export interface Scenario {
  readonly name: string
  /** The last one is refused with `code` when there is one. */
  readonly entries: readonly KeyEntry[]
  readonly code?: string
}

const nonce = 'ab'.repeat(16)
export const successor = noteSigner('gateway', seedOf(10))
const third = noteSigner('gateway', seedOf(11))
const wrongRoot = noteSigner('root', seedOf(12))
const newRoot = noteSigner('root', seedOf(13))

const context = (n: number): KeyActionContext => ({
  id: uuidOf(n),
  session: 'keys',
  seq: n,
  ts: 1_700_000_000_000 + n,
})
export function claimOf(key: NoteSigner, over: Partial<KeyClaim> = {}, log = origin): KeyClaim {
  const { name, publicKey } = key
  return { name, publicKey, nonce, possession: provePossession({ origin: log, name, nonce }, key), ...over }
}
export const register = (index: number, claim: KeyClaim, root = rootKey): KeyEntry => ({
  index,
  entry: signRegistration(claim, root, context(index)),
})
export const rotate = (index: number, from: NoteSigner, to: NoteSigner, log = origin): KeyEntry => ({
  index,
  entry: signRotation(from, to, { origin: log, nonce }, context(index)),
})
export const revoke = (index: number, key: NoteSigner, by: NoteSigner): KeyEntry => ({
  index,
  entry: signRevocation(key, by, 'compromised', context(index)),
})
const gateway = register(0, claimOf(agentKey))

/** A rotation that says what a good one says, signed by other keys. */
function rotationSignedBy(
  index: number,
  signers: readonly NoteSigner[],
  over: Partial<ActionPayload>,
): KeyEntry {
  const key = (of: NoteSigner) => ({ name: of.name, alg: 'ed25519', public_key: encodeBase64(of.publicKey) })
  const payload: ActionPayload = {
    v: 1,
    id: uuidOf(index),
    agent: 'gateway',
    session: 'keys',
    seq: index,
    ts: 1_700_000_000_000,
    kind: 'key.rotate',
    key: key(successor),
    previous: key(agentKey),
    nonce,
    possession: provePossession({ origin, name: 'gateway', nonce }, successor),
    ...over,
  }
  return { index, entry: signAction(payload, signers) }
}

/** The text of a registration alone, as it stands under a seal. */
function sealedRegistration(): Uint8Array {
  const { entry } = register(3, claimOf(agentKey))
  return entry.subarray(0, Buffer.from(entry).indexOf('\n\n') + 1)
}

export const accepted: readonly Scenario[] = [
  { name: 'nothing is registered', entries: [] },
  { name: 'a registration', entries: [gateway] },
  {
    name: 'every purpose',
    entries: (['agent', 'tool', 'approver', 'witness'] as const).map((purpose, i) =>
      register(i, claimOf(noteSigner(`${purpose}-1`, seedOf(20 + i)), { purpose })),
    ),
  },
  { name: 'two keys of one agent', entries: [gateway, register(4, claimOf(successor))] },
  { name: 'a rotation', entries: [gateway, rotate(5, agentKey, successor)] },
  {
    name: 'a rotation of a rotation, then a revocation by the root',
    entries: [
      gateway,
      rotate(5, agentKey, successor),
      rotate(7, successor, third),
      revoke(9, third, rootKey),
    ],
  },
  { name: 'a revocation by the key itself', entries: [gateway, revoke(2, agentKey, agentKey)] },
  {
    name: 'a new key after a revocation',
    entries: [gateway, revoke(2, agentKey, rootKey), register(3, claimOf(successor))],
  },
  {
    name: 'a rotation of the root, and a registration by its successor',
    entries: [rotate(1, rootKey, newRoot), register(2, claimOf(agentKey), newRoot)],
  },
  { name: 'an action about no key', entries: [{ index: 0, entry: formatAction(actionOf(0)) }] },
]

export const refused: readonly Scenario[] = [
  {
    name: 'no possession',
    code: 'bad_signature',
    entries: [register(0, claimOf(agentKey, { possession: claimOf(successor).possession }))],
  },
  {
    name: 'a possession for another nonce',
    code: 'bad_signature',
    entries: [register(0, claimOf(agentKey, { nonce: 'cd'.repeat(16) }))],
  },
  {
    name: 'a possession for another name',
    code: 'bad_signature',
    entries: [register(0, claimOf(agentKey, { name: 'scanner' }))],
  },
  {
    name: 'a registration replayed from another log',
    code: 'bad_signature',
    entries: [register(0, claimOf(agentKey, {}, 'other.example/0011223344556677'))],
  },
  {
    name: 'a rotation replayed from another log',
    code: 'bad_signature',
    entries: [gateway, rotate(1, agentKey, successor, 'other.example/0011223344556677')],
  },
  { name: 'a wrong root', code: 'unknown_key', entries: [register(0, claimOf(agentKey), wrongRoot)] },
  {
    name: 'an agent as the root',
    code: 'unsigned',
    entries: [gateway, register(1, claimOf(approverKey), agentKey)],
  },
  {
    name: 'a revoked root',
    code: 'key_not_valid_at',
    entries: [revoke(0, rootKey, rootKey), register(1, claimOf(agentKey))],
  },
  {
    name: 'the old root after its rotation',
    code: 'key_not_valid_at',
    entries: [rotate(0, rootKey, newRoot), register(1, claimOf(agentKey))],
  },
  { name: 'one key twice', code: 'key_reused', entries: [gateway, register(1, claimOf(agentKey))] },
  {
    name: 'one key under two names',
    code: 'key_reused',
    entries: [gateway, register(1, claimOf(noteSigner('scanner', seedOf(2))))],
  },
  {
    name: 'a revoked key again',
    code: 'key_reused',
    entries: [gateway, revoke(1, agentKey, rootKey), register(2, claimOf(agentKey))],
  },
  {
    name: 'the key of the log',
    code: 'key_reused',
    entries: [register(0, claimOf(noteSigner('gateway', seedOf(1))))],
  },
  {
    name: 'the key of the root',
    code: 'key_reused',
    entries: [register(0, claimOf(noteSigner('gateway', seedOf(9))))],
  },
  { name: 'the name of the root', code: 'key_reused', entries: [register(0, claimOf(wrongRoot))] },
  {
    name: 'a name of another purpose',
    code: 'key_reused',
    entries: [gateway, register(1, claimOf(successor, { purpose: 'witness' }))],
  },
  {
    name: 'a name that no agent can have',
    code: 'malformed_key',
    entries: [register(0, claimOf(noteSigner('Gateway', seedOf(2))))],
  },
  ...SMALL_ORDER_POINTS.map((point, i) => ({
    name: `weak key ${i + 1}`,
    code: 'weak_key',
    entries: [
      register(0, {
        ...claimOf(agentKey),
        publicKey: Buffer.from(point, 'hex'),
        possession: encodeBase64(new Uint8Array(64)),
      }),
    ],
  })),
  {
    name: 'a rotation without the old key',
    code: 'unsigned',
    entries: [gateway, rotationSignedBy(1, [successor], {})],
  },
  {
    name: 'a rotation without the new key',
    code: 'unsigned',
    entries: [gateway, rotationSignedBy(1, [agentKey], {})],
  },
  {
    name: 'a rotation by a stranger of the same name',
    code: 'unknown_key',
    entries: [gateway, rotationSignedBy(1, [strangerKey, successor], {})],
  },
  {
    name: 'a rotation to another name',
    code: 'malformed_key',
    entries: [gateway, rotate(1, agentKey, approverKey)],
  },
  {
    name: 'a rotation back',
    code: 'key_not_valid_at',
    entries: [gateway, rotate(1, agentKey, successor), rotate(2, successor, agentKey)],
  },
  {
    name: 'a rotation after the revocation',
    code: 'key_not_valid_at',
    entries: [gateway, revoke(1, agentKey, rootKey), rotate(2, agentKey, successor)],
  },
  {
    name: 'a second rotation of one key',
    code: 'key_not_valid_at',
    entries: [gateway, rotate(1, agentKey, successor), rotate(2, agentKey, third)],
  },
  {
    name: 'a revocation by another agent',
    code: 'unsigned',
    entries: [gateway, register(1, claimOf(approverKey)), revoke(2, agentKey, approverKey)],
  },
  {
    name: 'a revocation of a key that is not known',
    code: 'unknown_key',
    entries: [revoke(0, agentKey, rootKey)],
  },
  {
    name: 'a second revocation',
    code: 'key_not_valid_at',
    entries: [gateway, revoke(1, agentKey, rootKey), revoke(2, agentKey, rootKey)],
  },
  {
    name: 'a registration under a seal',
    code: 'unsigned',
    entries: [{ index: 3, entry: sealedRegistration() }],
  },
]

/** Keys that no entry may introduce. */
export const reserved = [{ publicKey: logKey.publicKey, role: 'log' }]
