/** The HTTP interface of a witness (C2SP tlog-witness), and what it has against logs. */
import { formatEquivocationList } from '../../proofs/equivocation-proof.js'
import { ProofError } from '../../proofs/errors.js'
import type { ProofCode } from '../../proofs/errors.js'
import { text } from '../api/message.js'
import type { ApiRequest, ApiResponse } from '../api/message.js'
import { problem, problemOf } from '../api/problem.js'
import type { LedgerApi } from '../api/routes.js'
import { LedgerError } from '../errors.js'
import type { Witness } from './witness.js'

/** How requests were answered, for the metric. */
export type Answered = (status: number) => void

export interface WitnessApiOptions {
  readonly onAnswer?: Answered
  /** Told of a store that keeps nothing any more: nothing may be cosigned after it. */
  readonly onFatal?: (error: LedgerError) => void
}

/** What the protocol answers where a ledger would say 400. */
const STATUS: Partial<Record<ProofCode, number>> = { inconsistent: 422, equivocation: 422, bad_root: 422 }

const MONITOR_PATH = /^\/([0-9a-f]{64})\/(checkpoint|equivocations)$/
const CHANGING = { 'cache-control': 'no-cache' }

/** The API of a witness; it never rejects. */
export function createWitnessApi(witness: Witness, options: WitnessApiOptions = {}): LedgerApi {
  return async (request) => {
    const answer = answerTo(witness, request, options)
    options.onAnswer?.(answer.status)
    return answer
  }
}

function answerTo(witness: Witness, request: ApiRequest, options: WitnessApiOptions): ApiResponse {
  try {
    return route(witness, request)
  } catch (error) {
    if (error instanceof LedgerError && error.fatal) options.onFatal?.(error)
    const status = error instanceof ProofError ? STATUS[error.machineCode] : undefined
    return status !== undefined && error instanceof ProofError
      ? problem(status, error.machineCode, error.message)
      : problemOf(error)
  }
}

function route(witness: Witness, request: ApiRequest): ApiResponse {
  if (request.target === '/add-checkpoint') {
    if (request.method !== 'POST') return notAllowed('POST')
    return addCheckpoint(witness, request)
  }
  const [, hash, what] = MONITOR_PATH.exec(request.target) ?? []
  if (hash === undefined) return problem(404, 'not_found', 'there is nothing at this path')
  if (request.method !== 'GET' && request.method !== 'HEAD') return notAllowed('GET, HEAD')
  return what === 'checkpoint' ? checkpoint(witness, hash) : equivocations(witness, hash)
}

function addCheckpoint(witness: Witness, request: ApiRequest): ApiResponse {
  const cosigning = witness.addCheckpoint(request.body, callerOf(request.address))
  switch (cosigning.outcome) {
    case 'cosigned':
      return text(cosigning.lines)
    case 'conflict':
      return {
        status: 409,
        headers: { 'content-type': 'text/x.tlog.size' },
        body: Buffer.from(`${cosigning.size}\n`),
      }
    case 'limited':
      return problem(429, 'too_many_requests', 'this address sent too many checkpoints of this log', {
        'retry-after': String(cosigning.retrySeconds),
      })
  }
}

function checkpoint(witness: Witness, hash: string): ApiResponse {
  const note = witness.checkpoint(hash)
  if (note !== undefined) return text(note, CHANGING)
  return problem(404, 'not_found', 'no checkpoint of such a log was cosigned')
}

function equivocations(witness: Witness, hash: string): ApiResponse {
  const proofs = witness.equivocations(hash)
  if (proofs === undefined) return problem(404, 'not_found', 'this witness does not follow such a log')
  const headers = { 'content-type': 'application/json', ...CHANGING }
  return { status: 200, headers, body: formatEquivocationList(proofs) }
}

/** Whoever has one IPv6 address has the whole /64 around it. */
function callerOf(address = ''): string {
  const isMapped = address.startsWith('::ffff:')
  if (isMapped || !address.includes(':')) return address
  const [head = '', tail] = address.split('::')
  const groups = head.split(':')
  // `a:b::c` stands for zeros in between.
  const full = tail === undefined ? groups : [...groups, '0', '0', '0', '0']
  return full.slice(0, 4).join(':')
}

function notAllowed(allow: string): ApiResponse {
  return problem(405, 'method_not_allowed', `allowed here: ${allow}`, { allow })
}
