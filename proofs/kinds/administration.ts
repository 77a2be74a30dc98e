import {
  actor,
  count,
  distinct,
  hash,
  nonce,
  object,
  publicKey,
  reason,
  signature,
  status,
  text,
  word,
} from './members.js'
import type { KindMembers } from './members.js'

/** Configuration, keys and erasure. */
export const administrationKinds = {
  'config.change': {
    description: 'A role runs with another configuration.',
    required: { config: object({ name: text(200), hash }, { rev: text(100), previous_hash: hash }) },
    optional: { by: actor, reason, status },
  },
  'key.register': {
    description: 'The root key introduces a key, which proves that it is held (see `keyPossessionText`).',
    required: { key: publicKey, nonce, possession: signature },
    optional: { purpose: word(['agent', 'tool', 'approver', 'witness']), reason },
  },
  'key.rotate': {
    description: 'A key hands over to its successor; both sign the entry.',
    required: { key: publicKey, previous: publicKey, nonce, possession: signature },
    optional: { reason },
  },
  'key.revoke': {
    description: 'A key is valid no longer; this wins over a later rotation.',
    required: { key: publicKey },
    optional: { cause: word(['compromised', 'superseded', 'retired', 'unspecified']), reason },
  },
  redaction: {
    description: 'The bodies behind commitments were erased; the entries and their proofs stay.',
    required: { redacts: object({ index: count(), leaf: hash }), hashes: distinct(hash, 64) },
    optional: { by: actor, reason },
  },
} satisfies Record<string, KindMembers>
