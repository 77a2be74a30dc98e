import type { CanonicalObject } from '../canonical-json.js'
import { toJsonSchema } from '../schema.js'
import type { ObjectSchema } from '../schema.js'
import { administrationKinds } from './administration.js'
import { approvalKinds } from './approvals.js'
import { incidentKinds } from './incidents.js'
import { count, distinct, hash, integer, matching, name, object, text, time, uuid, word } from './members.js'
import type { KindMembers } from './members.js'
import { scanKinds } from './scans.js'
import { securityKinds } from './security.js'
import { sessionKinds } from './sessions.js'
import { workKinds } from './work.js'

const kinds = {
  ...sessionKinds,
  ...workKinds,
  ...securityKinds,
  ...incidentKinds,
  ...scanKinds,
  ...approvalKinds,
  ...administrationKinds,
}

/** What an action can be. */
export type ActionKind = keyof typeof kinds

/** Every kind, in the order of the documentation. */
export const ACTION_KINDS: readonly string[] = Object.keys(kinds)

const commonRequired = {
  v: integer(1, 1, 'Version of the payload.'),
  id: uuid,
  agent: name,
  session: name,
  seq: count('From 0, without a gap, per session and agent.'),
  ts: time,
}
const commonOptional = {
  parents: distinct(hash, 64, 'Leaf hashes of the entries that led to this one.'),
  trace: object({ trace_id: matching(/^[0-9a-f]{32}$/, 32), span_id: matching(/^[0-9a-f]{16}$/, 16) }),
  attestation: object({ format: text(100), hash }, {}, 'Evidence of the environment that made the action.'),
}

function schemaOf(kind: string, members: KindMembers): ObjectSchema {
  return object(
    { ...commonRequired, kind: word([kind]), ...members.required },
    { ...commonOptional, ...members.optional },
    members.description,
  )
}

const schemas: ReadonlyMap<string, ObjectSchema> = new Map(
  Object.entries<KindMembers>(kinds).map(([kind, members]) => [kind, schemaOf(kind, members)]),
)

/** The whole schema of one kind, or `undefined` for a kind that there is not. */
export function actionSchema(kind: string): ObjectSchema | undefined {
  return schemas.get(kind)
}

/** The payload of line 2 of an action as JSON Schema (draft 2020-12): one alternative per kind. */
export const actionJsonSchema: CanonicalObject = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'https://portcullis.dev/action/v1/schema.json',
  title: 'Portcullis action payload, version 1',
  oneOf: [...schemas.values()].map(toJsonSchema),
}
