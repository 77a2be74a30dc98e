import { utf8Bytes } from './bytes.js'
import { sha256 } from './hashing.js'

/**
 * Keccak-256 of the runtime code of contracts/LedgerAnchor.sol, as EXTCODEHASH gives it. The build checks it; policies pin
 * it, so that another contract at the pinned address of another chain's making is noticed.
 */
export const ANCHOR_CODE_HASH = '67176063af85771c0abe7410b4ecd1b49a3f45117083dc66869338e93950a33d'

/**
 * Where a tree head stands on an EVM chain: the member `anchor` of a receipt. Hashes and addresses are lower-case
 * hexadecimal without `0x`. All of it is a claim until a chain has confirmed it.
 */
export interface Anchor {
  /** EIP-155 chain id. */
  readonly chainId: number
  /** Address of the contract, 20 bytes. */
  readonly contract: string
  /** Address that anchored, 20 bytes. */
  readonly submitter: string
  /** {@link anchorLogId} of the log's origin. */
  readonly logId: string
  /** Tree size and root, those of the receipt's checkpoint. */
  readonly size: number
  readonly root: string
  /** Hash of the transaction. */
  readonly tx: string
  readonly blockNumber: number
  readonly blockHash: string
  /** Milliseconds since the Unix epoch. */
  readonly blockTime: number
  /** Index of the event's log inside its block. */
  readonly logIndex: number
}

/** What the contract calls a log: SHA-256 of its origin. */
export function anchorLogId(origin: string): Uint8Array {
  return sha256(utf8Bytes(origin))
}

/** The event `Anchored`, as a node tells it, with the block that it is in. */
export type AnchorEvent = Omit<Anchor, 'chainId' | 'tx'>

/** What one node says about an anchor. Nothing of it is checked yet. */
export interface AnchorFacts {
  readonly chainId: number
  /** Keccak-256 of the code at the contract's address in the newest final block; undefined when there is none. */
  readonly codeHash: string | undefined
  /** What `anchoredAt` gives for the claimed submitter and tree, in milliseconds; undefined for 0. */
  readonly anchoredAt: {
    /** In the newest final block. */
    readonly final: number | undefined
    /** In the newest block. */
    readonly latest: number | undefined
  }
  /** The event at the claimed place of the claimed transaction, if there is one. */
  readonly event: AnchorEvent | undefined
}

/** What came of asking one node. */
export type AnchorObservation = {
  /** Whom was asked, for people; never with credentials. */
  readonly endpoint: string
} & ({ readonly facts: AnchorFacts } | { readonly error: string })

/** One way to a chain. This folder does no I/O: the caller brings it. */
export interface ChainReader {
  /** Asks about an anchor. An endpoint that fails is an observation, not an error. */
  observe(anchor: Anchor): Promise<AnchorObservation>
}
