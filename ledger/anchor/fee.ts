import type { Fee } from './account.js'
import type { ChainNode } from './node.js'

export const GWEI = 1_000_000_000n
/** Nodes take a replacement that pays a tenth more in both parts; a quarter more is clear of it. */
const RAISE_NUMERATOR = 5n
const RAISE_DENOMINATOR = 4n

/**
 * What to pay now: the priority fee that the node suggests, and room for the base fee to double.
 *
 * @param cap most that may be paid per gas, in wei
 * @returns undefined while the chain asks for more than that
 */
export async function suggestFee(node: ChainNode, cap: bigint): Promise<Fee | undefined> {
  const { baseFeePerGas } = await node.latest()
  if (baseFeePerGas === undefined) {
    const maxFeePerGas = await node.gasPrice()
    return maxFeePerGas > cap ? undefined : { maxFeePerGas }
  }
  if (baseFeePerGas >= cap) return undefined
  const priorityFeePerGas = least((await node.priorityFee()) ?? GWEI, cap - baseFeePerGas)
  return { priorityFeePerGas, maxFeePerGas: least(baseFeePerGas * 2n + priorityFeePerGas, cap) }
}

/**
 * What to pay for a replacement: what is suggested now, and enough more than before for nodes to take it.
 *
 * @returns undefined when that is over the cap
 */
export function raiseFee(before: Fee, suggested: Fee, cap: bigint): Fee | undefined {
  const maxFeePerGas = greatest(raised(before.maxFeePerGas), suggested.maxFeePerGas)
  if (maxFeePerGas > cap) return undefined
  if (before.priorityFeePerGas === undefined) return { maxFeePerGas }
  const priority = greatest(raised(before.priorityFeePerGas), suggested.priorityFeePerGas ?? 0n)
  return { maxFeePerGas, priorityFeePerGas: least(priority, maxFeePerGas) }
}

function raised(amount: bigint): bigint {
  return (amount * RAISE_NUMERATOR) / RAISE_DENOMINATOR + 1n
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

function greatest(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
