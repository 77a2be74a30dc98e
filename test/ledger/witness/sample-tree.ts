/** A log in memory that signs whatever a test wants, honest or not. */
import { createHash } from 'node:crypto'
import { formatAddCheckpoint } from '../../../proofs/add-checkpoint.js'
import { logOrigin, signCheckpoint } from '../../../proofs/checkpoint.js'
import { generateSeed } from '../../../proofs/ed25519.js'
import { leafHash } from '../../../proofs/hashing.js'
import { consistencyProof, nodeReaderOf, rootOfLeafHashes } from '../../../proofs/merkle.js'
import { encodeVkey, noteSigner } from '../../../proofs/note-key.js'
import type { NoteSigner } from '../../../proofs/note-key.js'

export class SampleTree {
  readonly signer: NoteSigner
  readonly origin: string
  readonly vkey: string
  readonly hash: string

  constructor(name = 'log.example') {
    const seed = generateSeed()
    this.origin = logOrigin(name, noteSigner('x', seed).publicKey)
    this.signer = noteSigner(this.origin, seed)
    this.vkey = encodeVkey(this.signer)
    this.hash = createHash('sha256').update(this.origin).digest('hex')
  }

  /** @param story entries of another story are others from `forkAt` on */
  #leaves(size: number, story = '', forkAt = 0): Uint8Array[] {
    return Array.from({ length: size }, (_, i) =>
      leafHash(Buffer.from(i < forkAt || story === '' ? `entry ${i}` : `${story} ${i}`)),
    )
  }

  root(size: number, story?: string, forkAt?: number): Uint8Array {
    return rootOfLeafHashes(this.#leaves(size, story, forkAt))
  }

  checkpoint(size: number, story?: string, forkAt?: number): Uint8Array {
    return signCheckpoint({ origin: this.origin, size, root: this.root(size, story, forkAt) }, [this.signer])
  }

  proof(from: number, to: number, story?: string, forkAt?: number): readonly Uint8Array[] {
    if (from === 0) return []
    return consistencyProof(from, to, nodeReaderOf(this.#leaves(to, story, forkAt)))
  }

  /** The body of a request that grows from one size to another. */
  request(from: number, to: number, story?: string, forkAt?: number): Uint8Array {
    return formatAddCheckpoint({
      oldSize: from,
      proof: this.proof(from, to, story, forkAt),
      checkpoint: this.checkpoint(to, story, forkAt),
    })
  }
}
