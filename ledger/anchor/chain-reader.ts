import type { Anchor, AnchorEvent, AnchorFacts, AnchorObservation, ChainReader } from '../../proofs/anchor.js'
import { messageOf } from '../../runtime/errors.js'
import { decodeAnchored, decodeAnchoredAt, encodeAnchoredAt } from './contract.js'
import type { ChainNode } from './node.js'

/** Reads anchors through one node. It judges nothing: that is for `proofs/`. */
export class NodeReader implements ChainReader {
  readonly #node: ChainNode

  constructor(node: ChainNode) {
    this.#node = node
  }

  async observe(anchor: Anchor): Promise<AnchorObservation> {
    const { endpoint } = this.#node
    try {
      return { endpoint, facts: await this.#facts(anchor) }
    } catch (error) {
      return { endpoint, error: messageOf(error) }
    }
  }

  async #facts(anchor: Anchor): Promise<AnchorFacts> {
    const node = this.#node
    const chainId = await node.chainId()
    const nothing = {
      codeHash: undefined,
      anchoredAt: { final: undefined, latest: undefined },
      event: undefined,
    }
    if (chainId !== anchor.chainId) return { chainId, ...nothing }
    const { contract, submitter } = anchor
    const final = (await node.settled('finalized'))?.number
    const time = async (tag: 'latest' | number): Promise<number | undefined> =>
      decodeAnchoredAt(await node.call({ to: contract, data: encodeAnchoredAt(submitter, anchor) }, tag))
    return {
      chainId,
      codeHash: final === undefined ? undefined : await node.codeHash(contract, final),
      anchoredAt: {
        final: final === undefined ? undefined : await time(final),
        latest: await time('latest'),
      },
      event: await readEvent(node, anchor),
    }
  }
}

/** The event at a place of a mined transaction, if that transaction succeeded and its block is on the chain. */
async function readEvent(node: ChainNode, { tx, logIndex }: Anchor): Promise<AnchorEvent | undefined> {
  const receipt = await node.receipt(tx)
  if (receipt?.status !== 1) return undefined
  const log = receipt.logs.find((one) => one.logIndex === logIndex)
  const event = log && decodeAnchored(log)
  const block = await node.block(receipt.blockNumber)
  if (log === undefined || event === undefined || block?.hash !== receipt.blockHash) return undefined
  return {
    ...event,
    contract: log.address,
    blockNumber: block.number,
    blockHash: block.hash,
    blockTime: block.time,
    logIndex,
  }
}
