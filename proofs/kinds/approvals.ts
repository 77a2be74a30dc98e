import { actor, commitment, object, policy, reason, target, time, uuid } from './members.js'
import type { KindMembers } from './members.js'

const required = { approval: object({ id: uuid }, { subject: uuid }) }
const optional = { target, in: commitment, policy, by: actor, reason, expires: time }

/** A human in the loop. */
export const approvalKinds = {
  'approval.requested': { description: 'An action waits for a human.', required, optional },
  'approval.granted': { description: 'The human said yes.', required, optional },
  'approval.denied': { description: 'The human said no.', required, optional },
  'approval.expired': { description: 'Nobody answered in time.', required, optional },
  'approval.withdrawn': { description: 'The request was taken back.', required, optional },
} satisfies Record<string, KindMembers>
