import { keccak256 } from 'ethers/crypto'
import { z } from 'zod'
import { AnchorError } from './errors.js'
import { RpcRefusal } from './json-rpc.js'
import type { JsonRpc } from './json-rpc.js'

const bytes = z.string().regex(/^0x(?:[0-9a-fA-F]{2})*$/)
const hash = z
  .string()
  .regex(/^0x[0-9a-fA-F]{64}$/)
  .transform((text) => text.slice(2).toLowerCase())
const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/)
  .transform((text) => text.slice(2).toLowerCase())
const big = z
  .string()
  .regex(/^0x[0-9a-fA-F]{1,64}$/)
  .transform((text) => BigInt(text))
const count = z
  .string()
  .regex(/^0x[0-9a-fA-F]{1,14}$/)
  .transform(Number)
  .refine(Number.isSafeInteger)

const blockSchema = z
  .object({ number: count, hash, timestamp: count, baseFeePerGas: big.optional() })
  .transform(({ timestamp, ...rest }) => ({ ...rest, time: timestamp * 1000 }))
const receiptSchema = z.object({
  transactionHash: hash,
  status: count,
  blockNumber: count,
  blockHash: hash,
  gasUsed: big,
  effectiveGasPrice: big.optional(),
  contractAddress: address.nullish(),
  logs: z.array(z.object({ address, topics: z.array(bytes), data: bytes, logIndex: count })),
})

/** A block; `time` in milliseconds since the Unix epoch, `baseFeePerGas` in wei. */
export type Block = z.output<typeof blockSchema>
export type TransactionReceipt = z.output<typeof receiptSchema>
export type BlockTag = 'latest' | 'safe' | 'finalized' | number

/** A call as `eth_call` and `eth_estimateGas` take it. */
export interface Call {
  readonly from?: string
  readonly to?: string
  readonly data: string
}

/** What one endpoint says of its chain, typed. Addresses and hashes have no `0x`, amounts are in wei. */
export class ChainNode {
  readonly #rpc: JsonRpc
  readonly #confirmations: number | undefined

  /** @param confirmations blocks that make a block final, for chains that have no tags for it */
  constructor(rpc: JsonRpc, confirmations?: number) {
    this.#rpc = rpc
    this.#confirmations = confirmations
  }

  get endpoint(): string {
    return this.#rpc.endpoint
  }

  chainId(): Promise<number> {
    return this.#rpc.call('eth_chainId', [], count)
  }

  /** @throws AnchorError `WRONG_CHAIN` */
  async assertChain(chainId: number): Promise<void> {
    const served = await this.chainId()
    if (served !== chainId)
      throw new AnchorError('WRONG_CHAIN', `${this.endpoint} serves chain ${served}, not ${chainId}`)
  }

  block(tag: BlockTag): Promise<Block | undefined> {
    return this.#rpc
      .call('eth_getBlockByNumber', [encodeTag(tag), false], blockSchema.nullable())
      .then((block) => block ?? undefined)
  }

  async latest(): Promise<Block> {
    const block = await this.block('latest')
    if (block === undefined) throw new AnchorError('RPC_MALFORMED', `${this.endpoint} has no latest block`)
    return block
  }

  /** The newest block that counts as safe or final; undefined when there is none yet. */
  async settled(tag: 'safe' | 'finalized'): Promise<Block | undefined> {
    if (this.#confirmations === undefined) return this.block(tag)
    const depth = tag === 'safe' ? Math.ceil(this.#confirmations / 2) : this.#confirmations
    const { number } = await this.latest()
    return number < depth ? undefined : this.block(number - depth)
  }

  /** The receipt of a mined transaction. */
  async receipt(transaction: string): Promise<TransactionReceipt | undefined> {
    const found = await this.#rpc.call(
      'eth_getTransactionReceipt',
      [`0x${transaction}`],
      receiptSchema.nullable(),
    )
    if (found !== null && found.transactionHash !== transaction)
      throw new AnchorError(
        'RPC_INCONSISTENT',
        `${this.endpoint} answered the receipt of another transaction`,
      )
    return found ?? undefined
  }

  /** Whether the node has the transaction, mined or not. */
  async knows(transaction: string): Promise<boolean> {
    const found = await this.#rpc.call(
      'eth_getTransactionByHash',
      [`0x${transaction}`],
      z.object({}).nullable(),
    )
    return found !== null
  }

  /** Transactions of an account that are mined: the next nonce. */
  transactionCount(account: string): Promise<number> {
    return this.#rpc.call('eth_getTransactionCount', [`0x${account}`, 'latest'], count)
  }

  /** Keccak-256 of the code at an address; undefined when there is none. */
  async codeHash(account: string, tag: BlockTag): Promise<string | undefined> {
    const code = await this.#rpc.call('eth_getCode', [`0x${account}`, encodeTag(tag)], bytes)
    return code === '0x' ? undefined : keccak256(code).slice(2)
  }

  call(call: Call, tag: BlockTag): Promise<string> {
    return this.#rpc.call('eth_call', [encodeCall(call), encodeTag(tag)], bytes)
  }

  estimateGas(call: Call): Promise<bigint> {
    return this.#rpc.call('eth_estimateGas', [encodeCall(call)], big)
  }

  gasPrice(): Promise<bigint> {
    return this.#rpc.call('eth_gasPrice', [], big)
  }

  /** What is usually paid on top of the base fee; undefined when the node does not say. */
  async priorityFee(): Promise<bigint | undefined> {
    try {
      return await this.#rpc.call('eth_maxPriorityFeePerGas', [], big)
    } catch (error) {
      if (error instanceof RpcRefusal) return undefined
      throw error
    }
  }

  async send(raw: string): Promise<void> {
    await this.#rpc.call('eth_sendRawTransaction', [raw], hash)
  }

  close(): Promise<void> {
    return this.#rpc.close()
  }
}

function encodeTag(tag: BlockTag): string {
  return typeof tag === 'number' ? `0x${tag.toString(16)}` : tag
}

function encodeCall({ from, to, data }: Call): object {
  return {
    ...(from !== undefined && { from: `0x${from}` }),
    ...(to !== undefined && { to: `0x${to}` }),
    data,
  }
}
