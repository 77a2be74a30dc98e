import { actor, count, hash, keyedCommitment, list, object, reason, status, text, word } from './members.js'
import type { KindMembers } from './members.js'

const item = { item: object({ id: text(100), sha256: hash }) }
const optional = { path: keyedCommitment, size: count('Bytes.'), by: actor, reason, status }

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
} satisfies Record<string, KindMembers>
