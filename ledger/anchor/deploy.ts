import { setTimeout as pause } from 'node:timers/promises'
import { ANCHOR_CODE_HASH } from '../../proofs/anchor.js'
import type { Account } from './account.js'
import { readBytecode } from './contract.js'
import { AnchorError } from './errors.js'
import { suggestFee } from './fee.js'
import type { ChainNodes } from './nodes.js'

const POLL_MS = 500
const GAS_ROOM_PERCENT = 125n

/** A contract that was deployed. Addresses and hashes have no `0x`. */
export interface Deployment {
  readonly contract: string
  readonly codeHash: string
  readonly tx: string
  readonly blockNumber: number
  readonly gasUsed: bigint
}

/**
 * Deploys the contract that comes with the product and waits until a block has it.
 *
 * @param cap most that may be paid per gas, in wei
 * @param signal gives up waiting; the transaction may be mined all the same
 * @throws AnchorError `DEPLOY_FAILED`, `NOT_BUILT`, `WRONG_CHAIN`, `RPC_…`
 */
export async function deployContract(
  nodes: ChainNodes,
  chainId: number,
  account: Account,
  cap: bigint,
  signal: AbortSignal,
): Promise<Deployment> {
  const data = await readBytecode()
  const node = await nodes.pick()
  const fee = await suggestFee(node, cap)
  if (fee === undefined)
    throw new AnchorError('DEPLOY_FAILED', 'the chain asks for more than may be paid per gas')
  const gas = await node.estimateGas({ from: account.address, data })
  const gasLimit = (gas * GAS_ROOM_PERCENT) / 100n
  const nonce = await node.transactionCount(account.address)
  const { hash, raw } = account.sign({ chainId, nonce, data, gasLimit, fee })
  const refusal = await nodes.broadcast(raw)
  if (refusal !== undefined) throw new AnchorError('DEPLOY_FAILED', refusal)
  for (;;) {
    const receipt = await node.receipt(hash)
    if (receipt !== undefined) {
      const contract = receipt.status === 1 ? (receipt.contractAddress ?? undefined) : undefined
      const codeHash = contract && (await node.codeHash(contract, receipt.blockNumber))
      if (contract === undefined || codeHash !== ANCHOR_CODE_HASH)
        throw new AnchorError('DEPLOY_FAILED', `the transaction 0x${hash} made no contract of ours`)
      return { contract, codeHash, tx: hash, blockNumber: receipt.blockNumber, gasUsed: receipt.gasUsed }
    }
    if (signal.aborted)
      throw new AnchorError('DEPLOY_FAILED', `the transaction 0x${hash} was sent, but no block has it yet`)
    await pause(POLL_MS, undefined, { signal }).catch(() => undefined)
  }
}
