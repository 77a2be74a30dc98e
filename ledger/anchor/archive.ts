import { join } from 'node:path'
import type { Anchor } from '../../proofs/anchor.js'
import { decodeBase64 } from '../../proofs/base64.js'
import { decodeHex } from '../../proofs/bytes.js'
import type { AnchorConfig } from './config.js'
import { anchorOf } from './record.js'
import type { AnchorRecord } from './record.js'
import { AnchorStore } from './store.js'

/** A final anchor with the checkpoint that it is of. */
export interface AnchoredCheckpoint {
  /** Name of the chain in the configuration. */
  readonly name: string
  readonly size: number
  readonly root: Uint8Array
  /** The signed note. */
  readonly note: Uint8Array
  readonly anchor: Anchor
}

/** One account that anchors, or did, on one of `ledger.anchors`. */
export interface AnchorTarget {
  readonly config: AnchorConfig
  readonly submitter: string
  readonly records: readonly AnchorRecord[]
  /** Why the last look at the chain failed. */
  readonly problem?: { readonly code: string; readonly message: string }
}

/** What can be read of the anchors. */
export interface AnchorBook {
  /** All targets, each with its newest records, at most so many; smallest tree first. */
  targets(newest: number): readonly AnchorTarget[]
  /** For each target the smallest final tree of at least so many entries, where there is one. */
  covering(size: number): readonly AnchoredCheckpoint[]
  /** The one of those that is on chain the longest: what a proof is best made against. */
  proving(size: number): AnchoredCheckpoint | undefined
}

/** What was anchored so far, read without a key and without any chain. */
export class AnchorArchive implements AnchorBook {
  readonly #store: AnchorStore
  readonly #config: readonly AnchorConfig[]

  constructor(store: AnchorStore, config: readonly AnchorConfig[]) {
    this.#store = store
    this.#config = config
  }

  targets(newest: number): readonly AnchorTarget[] {
    return this.#each((config, target, submitter) => [
      { config, submitter, records: this.#store.newest(target, newest) },
    ])
  }

  covering(size: number): readonly AnchoredCheckpoint[] {
    return this.#each(({ name }, target) => {
      const record = this.#store.covering(target, size)
      const anchor = record && anchorOf(record)
      const note = record && decodeBase64(record.checkpoint)
      const root = record && decodeHex(record.root)
      if (anchor === undefined || note === undefined || root === undefined) return []
      return [{ name, size: anchor.size, root, note, anchor }]
    })
  }

  proving(size: number): AnchoredCheckpoint | undefined {
    return this.covering(size).toSorted((a, b) => a.anchor.blockTime - b.anchor.blockTime)[0]
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  #each<T>(work: (config: AnchorConfig, target: string, submitter: string) => readonly T[]): readonly T[] {
    return this.#config.flatMap((config) =>
      this.#store
        .targets(config.chain_id, config.contract)
        .flatMap(({ target, submitter }) => work(config, target, submitter)),
    )
  }
}

/**
 * Opens what was anchored so far.
 *
 * @param folder `<data>/ledger`
 * @throws AnchorError `ANCHOR_STORE`
 */
export function openAnchorStore(folder: string): AnchorStore {
  return new AnchorStore(join(folder, 'anchors'))
}
