import { z } from 'zod'
import { encodeBase64 } from '../../proofs/base64.js'
import { parseDecimal } from '../../proofs/checkpoint.js'
import { COSE_TYPE } from '../../proofs/cose-receipt.js'
import { leafHash } from '../../proofs/hashing.js'
import { MAX_BATCH } from '../../proofs/seal.js'
import { decodeEntryBundle } from '../../proofs/tile.js'
import { formatTlogProof } from '../../proofs/tlog-proof.js'
import { admit } from '../admission.js'
import type { Unit } from '../admission.js'
import { LedgerError } from '../errors.js'
import type { Appended, Log } from '../log.js'
import { makeCoseReceipt, makeReceipt } from '../receipt.js'
import { awaitQuorum, waitsForQuorum } from '../witnessing/api.js'
import { checkpointFor, provingFor } from './context.js'
import type { ApiContext } from './context.js'
import { ENTRIES_TYPE, json, JSON_TYPE, NOTE_TYPE, text, TEXT_TYPE, wantsCose, wantsJson } from './message.js'
import type { ApiRequest, ApiResponse } from './message.js'
import { NONE, route } from './route.js'
import { agent, checkpoint, entryName, hash, index, size } from './schemas.js'

/** Entries of one bundle: a whole batch with its seal. */
const MAX_ENTRIES = MAX_BATCH + 1
const CHANGING = { 'cache-control': 'no-cache' }

export const appended = z.strictObject({
  entries: z.array(
    z.strictObject({ index, fresh: z.boolean().describe('False when the same bytes were there already.') }),
  ),
  proof: z.string().describe('Inclusion of the last entry (C2SP tlog-proof).'),
  quorum: z.enum(['met', 'unmet']).optional().describe('Of the witnesses, when it was waited for.'),
})

export const postEntries = route({
  method: 'POST',
  path: '/v1/entries',
  name: 'postEntries',
  summary: 'Append signed actions, or batches with their seal, in one step each',
  access: 'write',
  parameters: NONE,
  query: z.strictObject({
    wait: z
      .enum(['0', 'witnessed'])
      .optional()
      .describe(
        '`0` answers 202 once the entries are found good, before they are durable; `witnessed` waits for the quorum of ' +
          'witnesses, too.',
      ),
  }),
  body: {
    description: 'One entry, or many: each with its length before it (uint16, big-endian).',
    content: { [NOTE_TYPE]: 'text', [ENTRIES_TYPE]: 'bytes' },
  },
  answers: {
    200: {
      description: 'All of it was in the log already.',
      content: { [TEXT_TYPE]: 'text', [JSON_TYPE]: appended },
    },
    201: {
      description:
        'Durable, and in the tree of the checkpoint in the proof. `Location` is that of the last entry.',
      content: { [TEXT_TYPE]: 'text', [JSON_TYPE]: appended },
    },
    202: {
      description:
        'Found good and on its way, not durable yet: `Location` answers 404 until it is. After a crash it may be lost, ' +
        'and the same bytes can be posted again.',
      content: { [JSON_TYPE]: z.strictObject({ entries: z.int().describe('How many are on their way.') }) },
    },
  },
  problems: [400, 401, 403, 409, 413, 415, 503],
  handle: append,
})

interface PostCall {
  readonly request: ApiRequest
  readonly query: { readonly wait?: '0' | 'witnessed' | undefined }
}

/** Appends what a request posts, and answers with a proof. */
export async function append(context: ApiContext, { request, query }: PostCall): Promise<ApiResponse> {
  const { log, options } = context
  const wantsQuorum = waitsForQuorum(query.wait ?? null, options.witnessing)
  const type = request.contentType?.split(';')[0]?.trim().toLowerCase()
  if (type !== NOTE_TYPE && type !== ENTRIES_TYPE) {
    throw new LedgerError('UNSUPPORTED_MEDIA_TYPE', `entries come as ${NOTE_TYPE} or ${ENTRIES_TYPE}`)
  }
  const entries = type === NOTE_TYPE ? [request.body] : decodeEntryBundle(request.body, MAX_ENTRIES)
  if (entries.length === 0) throw new LedgerError('BAD_REQUEST', 'the bundle has no entries')
  const units = await admit(entries, log.keys)
  const appending = log.append(units)
  if (query.wait === '0') {
    const accepted = await onItsWay(appending, (error) => options.onError?.(error))
    if (accepted) return json(202, { entries: entries.length }, { location: locationOf(units) })
  }
  return acknowledge(context, request, (await appending).flat(), wantsQuorum)
}

/** False when the append has ended already: a refusal, or entries that were there. */
async function onItsWay(appending: Promise<unknown>, onError: (error: unknown) => void): Promise<boolean> {
  const ended = appending.then(
    () => false,
    () => false,
  )
  const turn = new Promise<boolean>((resolve) => setImmediate(() => resolve(true)))
  const pending = await Promise.race([ended, turn])
  if (pending) appending.catch(onError)
  return pending
}

/** Where the last action will be found; its index is not known before it is durable. */
function locationOf(units: readonly Unit[]): string {
  const action = units.at(-1)?.entries.findLast((entry) => entry.action !== undefined)?.action
  if (action === undefined) throw new LedgerError('BAD_REQUEST', 'the bundle has no actions')
  return `/v1/entries/${action.id}?agent=${encodeURIComponent(action.agent)}`
}

async function acknowledge(
  { log, options: { witnessing } }: ApiContext,
  request: ApiRequest,
  entries: readonly Appended[],
  wantsQuorum: boolean,
): Promise<ApiResponse> {
  const last = entries.at(-1)
  if (last === undefined) throw new LedgerError('BAD_REQUEST', 'the bundle has no entries')
  const location = `/v1/entries/${last.index}`
  let checkpoint = log.published
  let quorum: 'met' | 'unmet' | undefined
  if (wantsQuorum && witnessing !== undefined) {
    const size = Math.max(...entries.map(({ index }) => index)) + 1
    const outcome = await awaitQuorum(witnessing, size, location)
    if ('refusal' in outcome) return outcome.refusal
    ;({ checkpoint, quorum } = outcome)
  }
  const tlogProof = formatTlogProof({
    index: last.index,
    proof: log.inclusion(last.index, checkpoint),
    checkpoint: checkpoint.note,
  })
  const status = entries.some(({ fresh }) => fresh) ? 201 : 200
  const headers = { location, ...(quorum !== undefined && { 'portcullis-quorum': quorum }) }
  if (!wantsJson(request)) return text(tlogProof, headers, status)
  return json(status, { entries, proof: Buffer.from(tlogProof).toString('utf8'), quorum }, headers)
}

const named = {
  parameters: z.strictObject({ entry: entryName }),
  query: z.strictObject({ agent: agent.optional().describe('The agent, when several used the id.') }),
  problems: [400, 401, 404, 409, 500],
}

interface NamedCall {
  readonly request: ApiRequest
  readonly path: { readonly entry: string }
  readonly query: { readonly agent?: string | undefined }
}

const indexOf = (log: Log, { path, query }: NamedCall): number =>
  parseDecimal(path.entry) ?? log.indexOfId(path.entry, query.agent)

export const getEntry = route({
  method: 'GET',
  path: '/v1/entries/{entry}',
  name: 'getEntry',
  summary: 'The bytes of an entry',
  access: 'read',
  ...named,
  answers: {
    200: {
      description: 'The entry as it was posted. As JSON, the entry in base64.',
      content: {
        [NOTE_TYPE]: 'text',
        [JSON_TYPE]: z.strictObject({ index, leaf: hash, entry: z.base64() }),
      },
    },
  },
  handle: async ({ log }, call) => {
    const index = indexOf(log, call)
    const bytes = await log.entry(index)
    if (wantsJson(call.request)) {
      return json(200, { index, leaf: encodeBase64(leafHash(bytes)), entry: encodeBase64(bytes) })
    }
    const headers = { 'content-type': NOTE_TYPE, 'content-location': `/v1/entries/${index}` }
    return { status: 200, headers, body: bytes }
  },
})

export const getProof = route({
  method: 'GET',
  path: '/v1/entries/{entry}/proof',
  name: 'getProof',
  summary: 'The inclusion proof of an entry',
  access: 'read',
  ...named,
  answers: {
    200: {
      description:
        'C2SP tlog-proof, or the same as JSON; against a witnessed checkpoint when one covers the entry.',
      content: {
        [TEXT_TYPE]: 'text',
        [JSON_TYPE]: z.strictObject({
          index,
          leaf: hash,
          size,
          root: hash,
          proof: z.array(hash),
          checkpoint,
        }),
      },
    },
  },
  handle: async (context, call) => {
    const { log } = context
    const index = indexOf(log, call)
    const checkpoint = checkpointFor(context, index + 1)
    const { size, root, note } = checkpoint
    const hashes = log.inclusion(index, checkpoint)
    if (!wantsJson(call.request)) {
      return text(formatTlogProof({ index, proof: hashes, checkpoint: note }), CHANGING)
    }
    const members = {
      index,
      leaf: encodeBase64(leafHash(await log.entry(index))),
      size,
      root: encodeBase64(root),
      proof: hashes.map(encodeBase64),
      checkpoint: Buffer.from(note).toString('utf8'),
    }
    return json(200, members, CHANGING)
  },
})

export const getReceipt = route({
  method: 'GET',
  path: '/v1/entries/{entry}/receipt',
  name: 'getReceipt',
  summary: 'All that proves an entry offline',
  access: 'read',
  ...named,
  answers: {
    200: {
      description:
        'A receipt (`portcullis.dev/receipt/v1`), which `portcullis verify` checks; asked for `application/cose`, a COSE ' +
        'receipt of inclusion (RFC 9942).',
      content: {
        [JSON_TYPE]: z.looseObject({ format: z.literal('portcullis.dev/receipt/v1') }),
        [COSE_TYPE]: 'bytes',
      },
    },
  },
  handle: async (context, call) => {
    const index = indexOf(context.log, call)
    if (wantsCose(call.request)) {
      const headers = { 'content-type': COSE_TYPE, ...CHANGING }
      return { status: 200, headers, body: makeCoseReceipt(context.log, index) }
    }
    const body = await makeReceipt(context.log, index, (size) => provingFor(context, size))
    return { status: 200, headers: { 'content-type': JSON_TYPE, ...CHANGING }, body }
  },
})
