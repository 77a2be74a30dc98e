/** An anchor of the sample log, and what an honest node says about it. */
import { anchorLogId, ANCHOR_CODE_HASH, formatAnchorLine } from '../../proofs/index.js'
import type { Anchor, AnchorFacts, AnchorObservation, PolicyAnchor, Receipt } from '../../proofs/index.js'
import { inlineReceipt, origin, policyText, sampleLog } from './sample-log.js'

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

export const log = sampleLog()
export const anchor: Anchor = {
  chainId: 1,
  contract: '11'.repeat(20),
  submitter: '22'.repeat(20),
  logId: hexOf(anchorLogId(origin)),
  size: log.entries.length,
  root: hexOf(log.root),
  tx: '33'.repeat(32),
  blockNumber: 20_000_000,
  blockHash: '44'.repeat(32),
  blockTime: 1_700_000_100_000,
  logIndex: 7,
}
export const pin: PolicyAnchor = {
  chainId: 1,
  contract: anchor.contract,
  codeHash: ANCHOR_CODE_HASH,
  submitter: anchor.submitter,
  first: 0,
}
const { chainId, ...event } = anchor
export const facts: AnchorFacts = {
  chainId,
  codeHash: ANCHOR_CODE_HASH,
  anchoredAt: { final: anchor.blockTime, latest: anchor.blockTime },
  event,
}

export function observed(changes: Partial<AnchorFacts> = {}, endpoint = 'node'): AnchorObservation {
  return { endpoint, facts: { ...facts, ...changes } }
}

export function anchoredReceipt(changes: Partial<Anchor> = {}): Receipt {
  return { ...inlineReceipt(log, 0), anchor: { ...anchor, ...changes } }
}

export function anchorPolicy(pins: readonly PolicyAnchor[] = [pin]): string {
  return policyText('none', pins.map(formatAnchorLine))
}
