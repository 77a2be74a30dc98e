import { decodeAnchored, decodeAnchoredAt, encodeAnchoredAt } from './contract.js'
import { AnchorError } from './errors.js'
import type { ChainNode, TransactionReceipt } from './node.js'
import type { AnchorRecord } from './record.js'

/**
 * What the chain has of a record's transactions. `cost` is what those that are mined cost, in wei.
 *
 * - `mined` the anchor is in a block
 * - `reverted` the transaction with the present nonce is in a block, and the contract refused it
 * - `absent` none is; with `nonceTaken` none can be any more
 */
export type Inspection =
  | { readonly found: 'mined'; readonly block: NonNullable<AnchorRecord['block']>; readonly cost: bigint }
  | { readonly found: 'reverted'; readonly cost: bigint }
  | { readonly found: 'absent'; readonly nonceTaken: boolean; readonly cost: bigint }

/**
 * Looks for every transaction that was ever sent for a record: also one that was replaced, or that everybody had given up,
 * may be the one that is mined.
 *
 * @throws AnchorError `RPC_INCONSISTENT` when receipt, block and contract do not say the same
 */
export async function inspect(node: ChainNode, record: AnchorRecord): Promise<Inspection> {
  const first = await look(node, record)
  if (first.found !== 'absent' || record.nonce === undefined) return first
  if ((await node.transactionCount(record.submitter)) <= record.nonce) return first
  // The nonce is used; the block with our transaction may have come between the two questions.
  const second = await look(node, record)
  return second.found === 'absent' ? { ...second, nonceTaken: true } : second
}

async function look(node: ChainNode, record: AnchorRecord): Promise<Inspection> {
  let cost = 0n
  let isReverted = false
  let block: AnchorRecord['block']
  for (const attempt of record.attempts) {
    const receipt = await node.receipt(attempt.hash)
    if (receipt === undefined) continue
    const inBlock = await node.block(receipt.blockNumber)
    // A node that is in the middle of a reorganisation still has receipts of blocks that are gone.
    if (inBlock?.hash !== receipt.blockHash) continue
    cost += receipt.gasUsed * (receipt.effectiveGasPrice ?? BigInt(attempt.maxFeePerGas))
    if (receipt.status !== 1) isReverted ||= attempt.nonce === record.nonce
    else block = await confirmed(node, record, receipt, inBlock.time)
  }
  if (block !== undefined) return { found: 'mined', block, cost }
  return isReverted ? { found: 'reverted', cost } : { found: 'absent', nonceTaken: false, cost }
}

/** The place of our event, when the contract says the same as the receipt. */
async function confirmed(
  node: ChainNode,
  record: AnchorRecord,
  receipt: TransactionReceipt,
  blockTime: number,
): Promise<NonNullable<AnchorRecord['block']>> {
  const { contract, submitter, logId, size, root } = record
  const log = receipt.logs.find((one) => {
    const event = one.address === contract ? decodeAnchored(one) : undefined
    return (
      event?.submitter === submitter && event.logId === logId && event.size === size && event.root === root
    )
  })
  const recorded = decodeAnchoredAt(
    await node.call({ to: contract, data: encodeAnchoredAt(submitter, record) }, 'latest'),
  )
  if (log === undefined || recorded !== blockTime)
    throw new AnchorError(
      'RPC_INCONSISTENT',
      `${node.endpoint} says that 0x${receipt.transactionHash} is mined, but ${log === undefined ? 'without the event' : 'the contract does not have the tree'}`,
    )
  const { transactionHash, blockNumber, blockHash } = receipt
  return { tx: transactionHash, blockNumber, blockHash, blockTime, logIndex: log.logIndex }
}
