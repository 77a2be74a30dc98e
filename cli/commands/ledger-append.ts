import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'

import type { LedgerAccess } from '../../ledger/access.js'
import { ENTRIES_TYPE, NOTE_TYPE } from '../../ledger/api/message.js'
import { problemError } from '../../runtime/api/problem.js'
import { BodyStore } from '../../ledger/client/body-store.js'
import { LedgerError } from '../../ledger/errors.js'
import { readOrigin } from '../../ledger/identity.js'
import { openKeyFile } from '../../ledger/key-file.js'
import { leaveRequest } from '../../ledger/keys/request.js'
import { checkAction, formatAction, parseAction, signAction } from '../../proofs/action.js'
import type { ActionPayload } from '../../proofs/action.js'
import { canonicalBytes, isCanonicalObject } from '../../proofs/canonical-json.js'
import type { CanonicalObject, CanonicalValue } from '../../proofs/canonical-json.js'
import { parseCanonical } from '../../proofs/canonical-parser.js'
import { NAME_PATTERN } from '../../proofs/kinds/members.js'
import type { NoteSigner } from '../../proofs/note-key.js'
import { sealBatch } from '../../proofs/seal.js'
import { parseNote } from '../../proofs/signed-note.js'
import { encodeEntryBundle } from '../../proofs/tile.js'
import { uuidv7 } from '../../runtime/uuid.js'
import { UsageError } from '../context.js'

export interface AppendInput {
  readonly data: string
  /** `-` is standard input. */
  readonly file: string
  readonly agent: string
  readonly stdin: NodeJS.ReadableStream
  readonly clock: { now(): number }
  /** `MEMBER=FILE`: the body of the file is kept, and the member becomes the commitment to it. */
  readonly commit?: readonly string[]
}

export interface AppendResult {
  readonly index: number
  readonly id: string
}

/** First bytes of an entry that is posted as it is. */
const ENTRY_START = Buffer.from('portcullis.dev/')

/**
 * Appends what a file holds: an entry as it is, or an action as JSON. An action that names its session is signed as it
 * stands; any other is put into a session of its own, opened before it and closed after it, under one seal.
 */
export const appendInput = async (access: LedgerAccess, input: AppendInput): Promise<AppendResult> => {
  const { file, stdin } = input
  const bytes = file === '-' ? await buffer(stdin) : await readFile(file)
  if (ENTRY_START.equals(bytes.subarray(0, ENTRY_START.length))) {
    if (input.commit !== undefined)
      throw new UsageError('--commit: an entry that is signed already cannot change')
    const { id } = parseAction(parseNote(bytes).textBytes)
    return { index: await post(access, NOTE_TYPE, bytes, 0), id }
  }
  return appendAction(access, input, await withCommitments(readAction(bytes), input))
}

/** Appends an action as an agent of this machine. */
export const appendAction = async (
  access: LedgerAccess,
  input: Pick<AppendInput, 'data' | 'agent' | 'clock'>,
  action: CanonicalObject,
): Promise<AppendResult> => {
  const signer = await localSigner(input)
  if ('session' in action) {
    const payload = complete(action, signer.name, input.clock.now())
    return { index: await post(access, NOTE_TYPE, signAction(payload, [signer]), 0), id: payload.id }
  }
  const { entries, id } = ownSession(action, signer, input.clock.now())
  return { index: await post(access, ENTRIES_TYPE, encodeEntryBundle(entries), 1), id }
}

/** JSON in any spelling, but with no member twice and no value that the profile does not have. */
const readAction = (bytes: Uint8Array): CanonicalObject => {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch (cause) {
    throw new UsageError('the action is neither JSON nor an entry', { cause })
  }
  const action = parseCanonical(canonicalBytes(value))
  if (!isCanonicalObject(action)) throw new UsageError('the action is not a JSON object')
  return action
}

const withCommitments = async (action: CanonicalObject, input: AppendInput): Promise<CanonicalObject> => {
  const commitments: Record<string, CanonicalValue> = {}
  for (const pair of input.commit ?? []) {
    const [, member, file] = /^([a-z][a-z0-9_]{0,63})=(.+)$/s.exec(pair) ?? []
    if (member === undefined || file === undefined || member in action || member in commitments)
      throw new UsageError(`--commit takes MEMBER=FILE, each member once, not ${JSON.stringify(pair)}`)
    commitments[member] = await new BodyStore(join(input.data, 'ledger', 'bodies')).commit(
      await readFile(file),
    )
  }
  return { ...action, ...commitments }
}

const localSigner = async ({ data, agent }: Pick<AppendInput, 'data' | 'agent'>): Promise<NoteSigner> => {
  if (!NAME_PATTERN.test(agent)) throw new UsageError(`${agent} cannot be the name of an agent`)
  // Names may hold slashes; a file of that name must not lead out of the folder.
  const signer = await openKeyFile(join(data, 'cli', `${agent.replaceAll('/', '%2F')}.key`), agent)
  const folder = join(data, 'ledger')
  const origin = await readOrigin(folder)
  if (origin === undefined) throw new LedgerError('NOT_INITIALISED', `there is no log in ${folder} yet`)
  await leaveRequest(folder, signer, origin)
  return signer
}

const complete = (action: CanonicalObject, agent: string, now: number): ActionPayload =>
  checkAction({ v: 1, id: uuidv7(now), agent, seq: 0, ts: now, ...action })

const ownSession = (
  action: CanonicalObject,
  signer: NoteSigner,
  now: number,
): { readonly entries: readonly Uint8Array[]; readonly id: string } => {
  const agent = signer.name
  const session = `s-${uuidv7(now)}`
  const step = (seq: number, members: { readonly [key: string]: CanonicalValue }): ActionPayload =>
    checkAction({ v: 1, id: uuidv7(now), ts: now, ...members, agent, session, seq })
  const payload = step(1, action)
  const actions = [
    step(0, { kind: 'session.open', participants: [agent] }),
    payload,
    step(2, { kind: 'session.close', count: 2 }),
  ].map(formatAction)
  return {
    entries: [...actions, sealBatch({ agent, session, first: 0, entries: actions }, signer)],
    id: payload.id,
  }
}

/** Posts, and gives the index of the entry at `position`. */
const post = async (
  access: LedgerAccess,
  contentType: string,
  body: Uint8Array,
  position: number,
): Promise<number> => {
  const answer = await access.request({
    method: 'POST',
    target: '/v1/entries',
    contentType,
    accept: 'application/json',
    body,
  })
  if (answer.status >= 300) throw problemError(answer, 'ledger')
  const index = indexAt(JSON.parse(Buffer.from(answer.body).toString('utf8')), position)
  if (index === undefined) throw new Error('the answer of the ledger names no index')
  return index
}

const indexAt = (answer: unknown, position: number): number | undefined => {
  if (typeof answer !== 'object' || answer === null || !('entries' in answer)) return undefined
  const entries: unknown = answer.entries
  const entry: unknown = Array.isArray(entries) ? entries[position] : undefined
  const isEntry = typeof entry === 'object' && entry !== null && 'index' in entry
  return isEntry && typeof entry.index === 'number' ? entry.index : undefined
}
