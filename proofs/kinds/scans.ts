import {
  actor,
  count,
  hash,
  keyedCommitment,
  list,
  object,
  reason,
  status,
  text,
  time,
  uuid,
  word,
} from './members.js'
import type { KindMembers } from './members.js'

const item = { item: object({ id: text(100), sha256: hash }) }
const response = { path: keyedCommitment, subject: uuid, by: actor, reason, status }
const optional = { ...response, size: count('Bytes.') }

/** What the scanner found and where it put it. */
export const scanKinds = {
  'scan.verdict': {
    description: 'A file was judged. `file` lacks what could not be read; `path` commits to where it lay.',
    required: {
      file: object({}, { sha256: hash, size: count('Bytes.') }),
      verdict: word(['clean', 'suspicious', 'malicious', 'error', 'skipped', 'too_large']),
      reasons: list(text(300), 200),
    },
    optional: { path: keyedCommitment, quarantine: text(100, 'Id of the quarantined item.') },
  },
  'quarantine.stored': { description: 'A file went into the vault.', required: item, optional },
  'quarantine.restored': { description: 'A file came back out.', required: item, optional },
  'quarantine.deleted': { description: 'A file was destroyed in the vault.', required: item, optional },
  'file.deleted': {
    description: 'A file was taken away for good.',
    required: { file: object({ sha256: hash }, { size: count('Bytes.') }) },
    optional: response,
  },
  'process.ended': {
    description: 'A process that held a file was killed.',
    required: { process: object({ pid: count() }, { name: text(100) }), file: object({ sha256: hash }) },
    optional: response,
  },
  'hash.blocked': {
    description: 'Files with this digest are not clean from now on.',
    required: { file: object({ sha256: hash }), level: word(['malicious', 'suspicious']) },
    optional: { ...response, expires: time },
  },
  'hash.unblocked': {
    description: 'A digest is blocked no longer.',
    required: { file: object({ sha256: hash }) },
    optional: response,
  },
} satisfies Record<string, KindMembers>
