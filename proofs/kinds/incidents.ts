import {
  actor,
  commitment,
  count,
  flag,
  hash,
  integer,
  keyedCommitment,
  matching,
  object,
  reason,
  remark,
  term,
  text,
  time,
  uuid,
  word,
} from './members.js'
import type { KindMembers } from './members.js'

const incident = object({
  id: text(100),
  fingerprint: matching(/^[!-~]{1,200}$/, 200, 'What makes two detections the same incident.'),
  severity: word(['info', 'low', 'medium', 'high', 'critical']),
  state: term,
})

const optional = {
  count: count('Detections so far.'),
  first: time,
  last: time,
  event: object({ id: uuid, type: text(100) }, {}, 'The event that caused this step.'),
  subject: uuid,
  channel: text(200, 'Name of the alert channel; never its address.'),
  attempts: count(),
  status_code: integer(0, 999),
  error: remark(2000),
  response: remark(200),
  body: keyedCommitment,
  assignee: actor,
  by: actor,
  reason,
  from: term,
  work: object({ id: uuid, kind: text(64), target: text(200) }, {}, 'What was to follow.'),
  issue: object({ tracker: text(100), id: text(200), key: text(200), url: text(2000) }, {}, 'In a tracker.'),
  out: commitment,
  run: object({ id: uuid, agent: text(200) }, { status: term, attempt: count() }, 'A run of an agent.'),
  action: object(
    { type: term, digest: hash },
    { id: uuid, playbook: text(200), dry_run: flag, expires: time },
    'An answer; the digest is the SHA-256 of its canonical JSON.',
  ),
}

function step(description: string): KindMembers {
  return { description, required: { incident }, optional }
}

/** Steps in the life of an incident. */
export const incidentKinds = {
  'incident.opened': step('A detection opened an incident.'),
  'incident.repeated': step('The same thing was detected again.'),
  'incident.updated': step('Its severity, state or facts changed.'),
  'incident.announced': step('An alert was delivered.'),
  'incident.alert_failed': step('An alert could not be delivered.'),
  'incident.alert_dropped': step('An alert was given up or held back by a limit.'),
  'incident.acknowledged': step('Somebody took note of it.'),
  'incident.assigned': step('Somebody was given it.'),
  'incident.commented': step('Somebody wrote about it; the text is kept elsewhere.'),
  'incident.filed': step('An issue of a tracker stands for it.'),
  'incident.synced': step('A tracker was told of a comment or a state.'),
  'incident.dispatched': step('An agent took a run.'),
  'incident.result': step('A run ended.'),
  'incident.proposed': step('An agent proposed an answer.'),
  'incident.commanded': step('An answer was ordered.'),
  'incident.escalated': step('It went to the next level.'),
  'incident.responded': step('A response was carried out, such as a ban.'),
  'incident.failed': step('Something that was to follow was given up.'),
  'incident.unrecorded': {
    description: 'A step took place whose facts do not fit their schema; `error` says why.',
    required: { error: text(1000) },
    optional: { incident },
  },
  'incident.suppressed': step('It was muted.'),
  'incident.resolved': step('It is over.'),
  'incident.reopened': step('It came back.'),
  'incident.closed': step('It is closed for good.'),
} satisfies Record<string, KindMembers>
