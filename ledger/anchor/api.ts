/** What the ledger's API says of anchors. */
import { formatAnchor } from '../../proofs/anchor-member.js'
import { json } from '../api/message.js'
import type { ApiResponse } from '../api/message.js'
import { problem } from '../api/problem.js'
import type { AnchorBook, AnchorTarget } from './archive.js'
import { anchorOf } from './record.js'
import type { AnchorRecord } from './record.js'

const CHANGING = { 'cache-control': 'no-cache' }
/** Newest anchors per target that one answer holds. */
export const MAX_LISTED = 100

/** `GET /v1/anchors`: every target with its newest anchors, whatever their state. */
export function anchorsAnswer(book: AnchorBook | undefined): ApiResponse {
  return json(200, { targets: (book?.targets(MAX_LISTED) ?? []).map(describeTarget) }, CHANGING)
}

/** `GET /v1/anchors/{size}`: on each chain the smallest final anchor of a tree of at least `size` entries. */
export function coveringAnswer(book: AnchorBook | undefined, size: number): ApiResponse {
  const anchors = (book?.covering(size) ?? []).map(({ name, note, anchor }) => ({
    name,
    checkpoint: Buffer.from(note).toString('utf8'),
    anchor: formatAnchor(anchor),
  }))
  if (anchors.length === 0) return problem(404, 'not_found', `no final anchor covers ${size} entries`)
  return json(200, { anchors }, CHANGING)
}

/** A target for people and programs; also what `portcullis anchor list` prints. */
export function describeTarget({ config, submitter, records, problem: why }: AnchorTarget): object {
  return {
    name: config.name,
    chain_id: config.chain_id,
    contract: config.contract,
    code_hash: config.code_hash,
    submitter,
    ...(why !== undefined && { problem: why }),
    anchors: records.map(describeRecord),
  }
}

function describeRecord(record: AnchorRecord): object {
  const anchor = anchorOf(record)
  return {
    size: record.size,
    root: record.root,
    state: record.state,
    transactions: record.attempts.map(({ hash }) => hash),
    cost_wei: record.cost,
    orphaned: record.orphaned,
    queued_at: record.queuedAt,
    changed_at: record.changedAt,
    ...(record.nonce !== undefined && { nonce: record.nonce }),
    ...(record.waitsFor !== undefined && { waits_for: record.waitsFor }),
    ...(anchor !== undefined && { anchor: formatAnchor(anchor) }),
  }
}
