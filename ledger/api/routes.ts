/** The ledger's HTTP API, without the HTTP: every way in (socket, TCP, a command in the same process) uses it. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { encodeBase64 } from '../../proofs/base64.js'
import { parseDecimal } from '../../proofs/checkpoint.js'
import { leafHash } from '../../proofs/hashing.js'
import { MAX_BATCH } from '../../proofs/seal.js'
import { decodeEntryBundle, encodeEntryBundle, parseTilePath } from '../../proofs/tile.js'
import { formatTlogProof } from '../../proofs/tlog-proof.js'
import { isUuidv7 } from '../../runtime/uuid.js'
import { admit } from '../admission.js'
import { LedgerError } from '../errors.js'
import type { Log, PublishedCheckpoint } from '../log.js'
import { makeReceipt } from '../receipt.js'
import {
  awaitQuorum,
  equivocationsAnswer,
  waitsForQuorum,
  witnessedAnswer,
  witnessFacts,
} from '../witnessing/api.js'
import type { Witnessing } from '../witnessing/witnessing.js'
import { ENTRIES_TYPE, json, NOTE_TYPE, text, wantsJson } from './message.js'
import type { ApiRequest, ApiResponse } from './message.js'
import { problem, problemOf } from './problem.js'

/** Entries of one bundle: a whole batch with its seal. */
const MAX_ENTRIES = MAX_BATCH + 1
const IMMUTABLE = {
  'content-type': 'application/octet-stream',
  'cache-control': 'public, max-age=31536000, immutable',
}
const CHANGING = { 'cache-control': 'no-cache' }

export interface ApiOptions {
  /** Bearer token for writes over TCP; without one they are refused. */
  readonly token?: string
  /** The witnesses of the log, when it has any. */
  readonly witnessing?: Witnessing | undefined
  /** Told of errors that are nobody's request. */
  readonly onError?: (error: unknown) => void
}

/** Answers a request; it never rejects. */
export type Api = (request: ApiRequest) => Promise<ApiResponse>

/** The API over a log. */
export function createApi(log: Log, options: ApiOptions = {}): Api {
  return async (request) => {
    try {
      return await route(log, options, request)
    } catch (error) {
      const answer = problemOf(error)
      if (answer.status >= 500) options.onError?.(error)
      return answer
    }
  }
}

async function route(log: Log, options: ApiOptions, request: ApiRequest): Promise<ApiResponse> {
  const mark = request.target.indexOf('?')
  const path = mark === -1 ? request.target : request.target.slice(0, mark)
  const query = new URLSearchParams(mark === -1 ? '' : request.target.slice(mark + 1))
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  if (path === '/v1/entries') {
    if (request.method !== 'POST') return notAllowed('POST')
    authorise(request, options)
    return append(log, options, request, query)
  }
  const read = reader(path, options)
  if (read === undefined) return problem(404, 'not_found', 'there is nothing at this path')
  if (!isRead) return notAllowed('GET, HEAD')
  return read(log, request, query)
}

type Reader = (log: Log, request: ApiRequest, query: URLSearchParams) => ApiResponse | Promise<ApiResponse>

const ENTRY_PATH = /^\/v1\/entries\/([0-9a-f-]{1,36})(?:\/(proof|receipt))?$/

function reader(path: string, { witnessing }: ApiOptions): Reader | undefined {
  if (path === '/checkpoint')
    return (log, _request, query) => (only(query), text((witnessing?.newest ?? log.published).note, CHANGING))
  if (path === '/v1/checkpoint/witnessed')
    return (_log, _request, query) => (only(query), witnessedAnswer(witnessing))
  if (path === '/v1/equivocations')
    return (_log, _request, query) => (only(query), equivocationsAnswer(witnessing))
  if (path === '/health') return (log, _request, query) => (only(query), health(log, witnessing))
  if (path === '/v1/consistency') return (log, _request, query) => consistency(log, query)
  if (path.startsWith('/tile/')) return (log, _request, query) => (only(query), tile(log, path))
  const [, which, part] = ENTRY_PATH.exec(path) ?? []
  if (which === undefined) return undefined
  return async (log, request, query) => {
    only(query, 'agent')
    const index = indexOf(log, which, query.get('agent') ?? undefined)
    const checkpointFor = (size: number): PublishedCheckpoint =>
      witnessing?.checkpointFor(size) ?? log.published
    if (part === 'receipt') {
      return {
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: await makeReceipt(log, index, checkpointFor),
      }
    }
    return part === 'proof'
      ? proof(log, request, index, checkpointFor(index + 1))
      : entry(log, request, index)
  }
}

function indexOf(log: Log, which: string, agent: string | undefined): number {
  const index = parseDecimal(which)
  if (index !== undefined) return index
  if (!isUuidv7(which)) throw new LedgerError('BAD_REQUEST', 'an entry is named by its index or its id')
  return log.indexOfId(which, agent)
}

async function append(
  log: Log,
  { witnessing }: ApiOptions,
  request: ApiRequest,
  query: URLSearchParams,
): Promise<ApiResponse> {
  only(query, 'wait')
  const wait = query.get('wait')
  if (wait !== null && wait !== 'witnessed')
    throw new LedgerError('BAD_REQUEST', 'wait is witnessed, or left out')
  const wantsQuorum = waitsForQuorum(wait, witnessing)
  const type = request.contentType?.split(';')[0]?.trim().toLowerCase()
  if (type !== NOTE_TYPE && type !== ENTRIES_TYPE) {
    return problem(415, 'unsupported_media_type', `entries come as ${NOTE_TYPE} or ${ENTRIES_TYPE}`)
  }
  const entries = type === NOTE_TYPE ? [request.body] : decodeEntryBundle(request.body, MAX_ENTRIES)
  if (entries.length === 0) throw new LedgerError('BAD_REQUEST', 'the bundle has no entries')
  const appended = (await log.append(await admit(entries, log.agents))).flat()
  const last = appended.at(-1)
  if (last === undefined) throw new LedgerError('BAD_REQUEST', 'the bundle has no entries')
  const location = `/v1/entries/${last.index}`
  let checkpoint = log.published
  let quorum: 'met' | 'unmet' | undefined
  if (wantsQuorum && witnessing !== undefined) {
    const size = Math.max(...appended.map(({ index }) => index)) + 1
    const outcome = await awaitQuorum(witnessing, size, location)
    if ('refusal' in outcome) return outcome.refusal
    ;({ checkpoint, quorum } = outcome)
  }
  const tlogProof = formatTlogProof({
    index: last.index,
    proof: log.inclusion(last.index, checkpoint),
    checkpoint: checkpoint.note,
  })
  const status = appended.some(({ fresh }) => fresh) ? 201 : 200
  const headers = { location, ...(quorum !== undefined && { 'portcullis-quorum': quorum }) }
  if (!wantsJson(request)) return text(tlogProof, headers, status)
  return json(
    status,
    {
      entries: appended,
      proof: Buffer.from(tlogProof).toString('utf8'),
      ...(quorum !== undefined && { quorum }),
    },
    headers,
  )
}

async function entry(log: Log, request: ApiRequest, index: number): Promise<ApiResponse> {
  const bytes = await log.entry(index)
  if (wantsJson(request)) {
    return json(200, { index, leaf: encodeBase64(leafHash(bytes)), entry: encodeBase64(bytes) })
  }
  return {
    status: 200,
    headers: { 'content-type': NOTE_TYPE, 'content-location': `/v1/entries/${index}` },
    body: bytes,
  }
}

async function proof(
  log: Log,
  request: ApiRequest,
  index: number,
  checkpoint: PublishedCheckpoint,
): Promise<ApiResponse> {
  const { size, root, note } = checkpoint
  const hashes = log.inclusion(index, checkpoint)
  if (!wantsJson(request)) return text(formatTlogProof({ index, proof: hashes, checkpoint: note }), CHANGING)
  return json(
    200,
    {
      index,
      leaf: encodeBase64(leafHash(await log.entry(index))),
      size,
      root: encodeBase64(root),
      proof: hashes.map(encodeBase64),
      checkpoint: Buffer.from(note).toString('utf8'),
    },
    CHANGING,
  )
}

function consistency(log: Log, query: URLSearchParams): ApiResponse {
  only(query, 'from', 'to')
  const from = parseDecimal(query.get('from') ?? '')
  const given = query.get('to')
  const to = given === null ? log.published.size : parseDecimal(given)
  if (from === undefined || to === undefined)
    throw new LedgerError('BAD_REQUEST', 'from and to are tree sizes')
  return json(200, { from, to, proof: log.consistency(from, to).map(encodeBase64) }, CHANGING)
}

async function tile(log: Log, path: string): Promise<ApiResponse> {
  const named = parseTilePath(path.slice(1))
  if (named === undefined) return problem(404, 'not_found', 'this path names no tile')
  const { level, index, width } = named
  const body =
    level === 'entries'
      ? encodeEntryBundle(await log.entries(index * 256, width))
      : log.tile(level, index, width)
  return { status: 200, headers: IMMUTABLE, body }
}

function health(log: Log, witnessing: Witnessing | undefined): ApiResponse {
  const { size, time } = log.published
  const reason = log.unhealthy()
  const facts = { origin: log.identity.origin, size, checkpoint_time: time, ...witnessFacts(witnessing) }
  return reason === undefined
    ? json(200, { status: 'ok', ...facts }, CHANGING)
    : json(503, { status: 'unhealthy', reason, ...facts }, CHANGING)
}

/** Refuses query members that nobody would look at: a caller must not believe they had an effect. */
function only(query: URLSearchParams, ...names: readonly string[]): void {
  for (const name of new Set(query.keys())) {
    if (!names.includes(name))
      throw new LedgerError('BAD_REQUEST', `the query member ${name.slice(0, 40)} is not known`)
    if (query.getAll(name).length > 1)
      throw new LedgerError('BAD_REQUEST', `the query member ${name} stands twice`)
  }
}

function authorise(request: ApiRequest, options: ApiOptions): void {
  if (request.channel === 'local') return
  if (options.token === undefined) {
    throw new LedgerError('FORBIDDEN', 'this ledger takes no writes over TCP: no token is configured')
  }
  const [, given] = /^Bearer +(\S{1,4096})$/i.exec(request.authorization ?? '') ?? []
  // Digests are of one length, and comparing them tells nothing of the token.
  const digest = (value: string): Buffer => createHash('sha256').update(value).digest()
  if (given === undefined || !timingSafeEqual(digest(given), digest(options.token))) {
    throw new LedgerError('UNAUTHORIZED', 'a write over TCP needs the bearer token')
  }
}

function notAllowed(allow: string): ApiResponse {
  return problem(405, 'method_not_allowed', `allowed here: ${allow}`, { allow })
}
