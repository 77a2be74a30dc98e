import { count, distinct, name, object, reason, text } from './members.js'
import type { KindMembers } from './members.js'

export const sessionKinds = {
  'session.open': {
    description: 'A session begins. Its agents are named here; `parents` names the close that it continues.',
    required: { participants: distinct(name, 64, 'The agents that may write into the session.') },
    optional: { purpose: text(500), software: object({ name: text(100), version: text(100) }) },
  },
  'session.close': {
    description: 'A session ends; without this entry its tail could be cut off unseen.',
    required: { count: count('Number of entries of this agent in this session before this one.') },
    optional: { reason },
  },
} satisfies Record<string, KindMembers>
