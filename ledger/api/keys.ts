/** Routes about keys: who may sign, and the entries that introduce and end keys. */
import { z } from 'zod'
import { isCanonicalObject } from '../../proofs/canonical-json.js'
import { parseEntry } from '../../proofs/entry.js'
import type { DirectoryKey } from '../../proofs/key-directory.js'
import { encodeVkey, formatKeyId } from '../../proofs/note-key.js'
import { LedgerError } from '../errors.js'
import type { WaitingRequest } from '../keys/log-keys.js'
import { append, appended } from './entries.js'
import { json, JSON_TYPE, NOTE_TYPE, TEXT_TYPE } from './message.js'
import { NONE, route } from './route.js'
import { agent, index } from './schemas.js'

const CHANGING = { 'cache-control': 'no-cache' }

const key = z.strictObject({
  name: z.string(),
  key_id: z.string().regex(/^[0-9a-f]{8}$/),
  vkey: z.string().describe('The public key (C2SP signed-note).'),
  purpose: z.enum(['root', 'agent', 'tool', 'approver', 'witness']),
  first: index.describe('The entry that introduced it; it may sign from there on.'),
  last: index.optional().describe('The entry that ended it; it may sign up to there.'),
  end: z.enum(['rotated', 'revoked']).optional(),
  successor: z.string().optional().describe('The public key that it was rotated to, hexadecimal.'),
})
const keyRequest = z.strictObject({
  file: z.string(),
  state: z.enum(['waiting', 'refused']),
  reason: z.string(),
  name: z.string().optional(),
  purpose: key.shape.purpose.optional(),
})

/** What `GET /v1/keys` answers. */
export const keyList = z.strictObject({
  origin: z.string(),
  keys: z.array(key).describe('Every key that ever was, the root’s first.'),
  requests: z.array(keyRequest).describe('Keys of this machine that ask to be registered and are not yet.'),
})

function describeKey({ verifier, purpose, first, last, end, successor }: DirectoryKey): z.output<typeof key> {
  return {
    name: verifier.name,
    key_id: formatKeyId(verifier.keyId),
    vkey: encodeVkey(verifier),
    purpose,
    first,
    ...(last !== undefined && { last }),
    ...(end !== undefined && { end }),
    ...(successor !== undefined && { successor }),
  }
}

function describeRequest({ file, request, state, reason }: WaitingRequest): z.output<typeof keyRequest> {
  return {
    file,
    state,
    reason,
    ...(request !== undefined && { name: request.name, purpose: request.purpose }),
  }
}

export const getKeys = route({
  method: 'GET',
  path: '/v1/keys',
  name: 'getKeys',
  summary: 'Every key of the log with the log indexes at which it may sign, and what waits to be registered',
  access: 'read',
  parameters: NONE,
  query: NONE,
  answers: {
    200: { description: 'As the entries of the log say.', content: { [JSON_TYPE]: keyList } },
  },
  problems: [400, 401],
  handle: ({ log: { identity, keys } }) => {
    const list: z.output<typeof keyList> = {
      origin: identity.origin,
      keys: keys.directory.keys.map(describeKey),
      requests: keys.waiting.map(describeRequest),
    }
    return json(200, list, CHANGING)
  },
})

export const getAgent = route({
  method: 'GET',
  path: '/v1/agents/{agent}',
  name: 'getAgent',
  summary: 'The keys of one agent',
  access: 'read',
  parameters: z.strictObject({ agent }),
  query: NONE,
  answers: {
    200: {
      description: 'The oldest first.',
      content: { [JSON_TYPE]: z.strictObject({ agent, keys: z.array(key) }) },
    },
  },
  problems: [400, 401, 404],
  handle: ({ log }, { path }) => {
    const found = log.keys.directory.keysOf(path.agent)
    if (found.length === 0) throw new LedgerError('NOT_FOUND', `there is no agent ${path.agent}`)
    return json(200, { agent: path.agent, keys: found.map(describeKey) }, CHANGING)
  },
})

const posted = {
  method: 'POST',
  access: 'write',
  query: NONE,
  answers: {
    200: {
      description: 'The same entry was in the log already.',
      content: { [TEXT_TYPE]: 'text', [JSON_TYPE]: appended },
    },
    201: { description: 'The entry is in the log.', content: { [TEXT_TYPE]: 'text', [JSON_TYPE]: appended } },
  },
  problems: [400, 401, 403, 409, 413, 415, 503],
} as const

const named = z.strictObject({
  name: z.string().max(200).describe('Name of the key; slashes are percent-encoded.'),
})

export const postKey = route({
  ...posted,
  path: '/v1/keys',
  name: 'registerKey',
  summary: 'Append a `key.register`, signed by the root key, with its proof of possession',
  parameters: NONE,
  body: { description: 'The entry.', content: { [NOTE_TYPE]: 'text' } },
  handle: (context, { request }) => {
    checkKeyEntry(request.body, 'key.register')
    return append(context, { request, query: {} })
  },
})

export const rotateKey = route({
  ...posted,
  path: '/v1/keys/{name}/rotate',
  name: 'rotateKey',
  summary: 'Append a `key.rotate`, signed by the old key and the new one',
  parameters: named,
  body: { description: 'The entry.', content: { [NOTE_TYPE]: 'text' } },
  handle: (context, { request, path }) => {
    checkKeyEntry(request.body, 'key.rotate', path.name)
    return append(context, { request, query: {} })
  },
})

export const revokeKey = route({
  ...posted,
  path: '/v1/keys/{name}/revoke',
  name: 'revokeKey',
  summary: 'Append a `key.revoke`, signed by the root key or by the key itself',
  parameters: named,
  body: { description: 'The entry.', content: { [NOTE_TYPE]: 'text' } },
  handle: (context, { request, path }) => {
    checkKeyEntry(request.body, 'key.revoke', path.name)
    return append(context, { request, query: {} })
  },
})

/** @throws LedgerError `BAD_REQUEST` for an entry of another kind, or about a key of another name; ProofError for none */
function checkKeyEntry(bytes: Uint8Array, kind: string, name?: string): void {
  const entry = parseEntry(bytes)
  if (entry.type === 'seal' || entry.action.kind !== kind)
    throw new LedgerError('BAD_REQUEST', `an entry of kind ${kind} is posted here`)
  const about = entry.action['key']
  if (name !== undefined && (about === undefined || !isCanonicalObject(about) || about['name'] !== name))
    throw new LedgerError('BAD_REQUEST', `the entry is about a key of another name than ${name}`)
}
