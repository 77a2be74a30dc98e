import {
  count,
  hash,
  integer,
  keyedCommitment,
  list,
  map,
  object,
  term,
  text,
  time,
  uuid,
  word,
} from './members.js'
import type { KindMembers } from './members.js'

/** What the gateway decided. */
export const securityKinds = {
  'security.verdict': {
    description:
      'A verdict over one transaction; `id` is its request id and `record` commits to its audit record.',
    required: {
      verdict: object(
        {
          action: word(['allow', 'block', 'challenge', 'redirect', 'drop', 'mask', 'log']),
          mode: word(['block', 'detect', 'off']),
          status: integer(0, 999, 'HTTP status; 0 when the verdict sets none.'),
          score: integer(-1_000_000_000, 1_000_000_000),
          truncated: list(text(100), 32, 'Names of limits that kept a part from being judged.'),
        },
        { phase: term, rule: count() },
      ),
      rules: list(count(), 1000, 'Ids of the rules that matched.'),
      record: keyedCommitment,
    },
    optional: { site: text(255) },
  },
  'security.summary': {
    description: 'Verdicts that came faster than they are recorded one by one: how many of each.',
    required: {
      from: time,
      to: time,
      count: count('All of them.'),
      counts: map(/^[a-z0-9_]{1,128}$/, count(), 1000, 'By action and phase, such as `block_xss`.'),
    },
    optional: {
      first_id: uuid,
      last_id: uuid,
      sites: list(object({ site: text(255), count: count() }), 100, 'The verdicts by site.'),
      rules: map(/^(?:[0-9]{1,16}|other)$/, count(), 500, 'The verdicts by the rule that decided.'),
      records: object(
        { count: count(), root: hash },
        {},
        'The RFC 6962 tree over the commitments to their audit records (the 32 bytes of each as a leaf), in order.',
      ),
    },
  },
} satisfies Record<string, KindMembers>
