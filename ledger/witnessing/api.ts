/** What the ledger's API says of witnesses. */
import { formatEquivocationList } from '../../proofs/equivocation-proof.js'
import { text } from '../api/message.js'
import type { ApiResponse } from '../api/message.js'
import { problem } from '../api/problem.js'
import { LedgerError } from '../errors.js'
import type { PublishedCheckpoint } from '../log.js'
import type { Witnessing } from './witnessing.js'

const CHANGING = { 'cache-control': 'no-cache' }

/** `GET /v1/checkpoint/witnessed` */
export function witnessedAnswer(witnessing: Witnessing | undefined): ApiResponse {
  if (witnessing === undefined) return problem(404, 'not_found', 'this log has no witnesses')
  const { witnessed } = witnessing
  if (witnessed === undefined) return problem(404, 'quorum_unmet', 'no checkpoint has its quorum yet')
  return text(witnessed.note, CHANGING)
}

/** `GET /v1/equivocations` */
export function equivocationsAnswer(witnessing: Witnessing | undefined): ApiResponse {
  const headers = { 'content-type': 'application/json', ...CHANGING }
  return { status: 200, headers, body: formatEquivocationList(witnessing?.equivocations.all() ?? []) }
}

/**
 * Reads `wait` of a POST.
 *
 * @returns whether the quorum is to be waited for
 * @throws LedgerError `BAD_REQUEST` when nobody could be waited for
 */
export function waitsForQuorum(wait: string | null, witnessing: Witnessing | undefined): boolean {
  if (wait !== 'witnessed') return false
  if (witnessing === undefined)
    throw new LedgerError('BAD_REQUEST', 'wait=witnessed: this log has no witnesses')
  return true
}

/** Either the checkpoint to prove with, and whether it has its quorum; or the answer that there is none. */
export type QuorumOutcome =
  | { readonly checkpoint: PublishedCheckpoint; readonly quorum: 'met' | 'unmet' }
  | { readonly refusal: ApiResponse }

/**
 * Waits for the quorum over `size` entries, for the configured time.
 *
 * @param location where the last of these entries is, which stands in the log whatever comes of the quorum
 */
export async function awaitQuorum(
  witnessing: Witnessing,
  size: number,
  location: string,
): Promise<QuorumOutcome> {
  const checkpoint = await witnessing.covering(size)
  if (checkpoint !== undefined) return { checkpoint, quorum: 'met' }
  if (witnessing.failure === 'open') return { checkpoint: witnessing.checkpointFor(size), quorum: 'unmet' }
  const detail = `${location} is in the log, but the quorum of witnesses did not cosign it in time`
  return { refusal: problem(503, 'quorum_unmet', detail, { location, 'retry-after': '5' }) }
}

/** Members of `/health`. */
export function witnessFacts(witnessing: Witnessing | undefined): object {
  if (witnessing === undefined) return {}
  const { witnessed, equivocations } = witnessing
  return {
    quorum: witnessing.unmet() === undefined ? 'met' : 'unmet',
    ...(witnessed !== undefined && { witnessed_size: witnessed.size, witnessed_time: witnessed.time }),
    equivocations: equivocations.count,
  }
}

/** Why a log with such witnesses is not ready; `undefined` when it is. */
export function notWitnessed(witnessing: Witnessing): string | undefined {
  if (witnessing.equivocations.count > 0)
    return 'the key of this log signed two histories: see /v1/equivocations'
  return witnessing.failure === 'closed' ? witnessing.unmet() : undefined
}
