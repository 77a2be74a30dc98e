import type { Anchor } from '../../proofs/anchor.js'

/**
 * - `queued` to be sent; with attempts, it may have been sent already
 * - `sent` in the hands of at least one node
 * - `mined` in a block that can still be undone
 * - `safe` in a block that the chain calls safe
 * - `finalized` in a final block: nothing is done with it any more
 * - `orphaned` its block was undone; it is sent again
 * - `superseded` the chain has this tree or a larger one of this log by this account already, and by no transaction here
 */
export type AnchorState = 'queued' | 'sent' | 'mined' | 'safe' | 'finalized' | 'orphaned' | 'superseded'

/** One signed transaction. It is stored before it is sent, and kept for ever: it may be mined long after. */
export interface Attempt {
  /** Without `0x`. */
  readonly hash: string
  readonly nonce: number
  /** As it is sent; dropped once the anchor is final. */
  readonly raw?: string
  /** Wei per gas, decimal. */
  readonly maxFeePerGas: string
  readonly priorityFeePerGas?: string
  readonly gasLimit: string
  /** When it was signed, in milliseconds since the Unix epoch. */
  readonly time: number
}

/** A checkpoint on its way to a chain. */
export interface AnchorRecord {
  /** {@link targetId}. */
  readonly target: string
  readonly chainId: number
  readonly contract: string
  readonly submitter: string
  readonly logId: string
  readonly size: number
  readonly root: string
  /** Size of the tree that it replaces in the contract; known once it is signed. */
  readonly previous: number
  /** The signed checkpoint with its cosignatures, base64. */
  readonly checkpoint: string
  readonly state: AnchorState
  /** Oldest first. */
  readonly attempts: readonly Attempt[]
  /** Nonce that the anchor holds now; undefined until it is first signed, and after the nonce went to something else. */
  readonly nonce?: number
  /** Where it was last seen mined. Times in milliseconds since the Unix epoch. */
  readonly block?: Pick<Anchor, 'tx' | 'blockNumber' | 'blockHash' | 'blockTime' | 'logIndex'>
  /** What its mined transactions cost, in wei, decimal. */
  readonly cost: string
  /** How often its block was undone. */
  readonly orphaned: number
  readonly queuedAt: number
  readonly changedAt: number
  /** Why it does not get on. */
  readonly waitsFor?: string
}

/** Names a sender on a chain, whatever the configuration calls it. */
export function targetId({
  chainId,
  contract,
  submitter,
}: Pick<AnchorRecord, 'chainId' | 'contract' | 'submitter'>) {
  return `${chainId}:${contract}:${submitter}`
}

/** Whether something still has to be done with it. */
export function isOpen({ state }: AnchorRecord): boolean {
  return state !== 'finalized' && state !== 'superseded'
}

/** Whether a block has it. */
export function isMined({ state }: AnchorRecord): boolean {
  return state === 'mined' || state === 'safe' || state === 'finalized'
}

/** What the record claims about the chain; undefined while no block has it. */
export function anchorOf(record: AnchorRecord): Anchor | undefined {
  const { chainId, contract, submitter, logId, size, root, block } = record
  if (block === undefined || !isMined(record)) return undefined
  return { chainId, contract, submitter, logId, size, root, ...block }
}

export const DAY_MS = 86_400_000

/** What records spent, or may at worst have spent, in the 24 hours before `now`. Wei. */
export function spentToday(records: Iterable<AnchorRecord>, now: number): bigint {
  let spent = 0n
  for (const record of records) {
    const recent = record.attempts.filter(({ time }) => now - time < DAY_MS)
    if (recent.length === 0) continue
    spent += BigInt(record.cost)
    if (isMined(record) || record.state === 'superseded') continue
    spent += worstCost(recent.filter(({ nonce }) => nonce === record.nonce))
  }
  return spent
}

/** Of transactions with one nonce only one is ever mined. */
export function worstCost(attempts: readonly Pick<Attempt, 'maxFeePerGas' | 'gasLimit'>[]): bigint {
  const costs = attempts.map(({ maxFeePerGas, gasLimit }) => BigInt(maxFeePerGas) * BigInt(gasLimit))
  return costs.reduce((most, cost) => (cost > most ? cost : most), 0n)
}
