import type { Anchor } from '../proofs/anchor.js'
import type { PublishedCheckpoint } from './log.js'

/** A checkpoint that receipts and bundles are made against, with its anchor if it has one. */
export type ProvingCheckpoint = Pick<PublishedCheckpoint, 'size' | 'root' | 'note'> & {
  readonly anchor?: Anchor
}
