import { createHash, hash } from 'node:crypto'
import { HashDatabase } from '../hashes/database.js'
import { ALGORITHMS, type Algorithm } from '../hashes/format.js'
import type { BlockedHashes } from '../response/blocked-hash.js'
import type { Reason } from '../verdict.js'

/** What the lists say of one content. */
export interface Known {
  readonly sha256: string
  readonly reasons: readonly Reason[]
  /**
   * `all`: allow-listed by SHA-256, nothing else is asked. `guesses`: allow-listed by SHA-1 or MD5 only, for which a second
   * content can be made: heuristics and the model keep silent, all that knows by content still speaks.
   */
  readonly allowed?: 'all' | 'guesses'
}

/** Bytes from which hashing in one call is no faster than in pieces. */
const LARGE = 32 * 1024

const digestOf = (algorithm: Algorithm, content: Buffer): Buffer =>
  content.length < LARGE ? hash(algorithm, content, 'buffer') : createHash(algorithm).update(content).digest()

/** Known digests: those that were blocked, before allow-lists, before what is known to be malicious. */
export class KnownHashes {
  readonly #databases: readonly HashDatabase[]
  readonly #algorithms: readonly Algorithm[]
  /** By SHA-256; replaced as a whole when one is blocked or no longer is. */
  blocked: BlockedHashes

  /** @throws ScanError `SCAN_HASH_LIST` */
  constructor(paths: readonly string[], blocked: BlockedHashes = new Map()) {
    this.blocked = blocked
    this.#databases = paths.map((path) => HashDatabase.open(path))
    // SHA-256 names every content; the others are computed only where a list needs them.
    this.#algorithms = ALGORITHMS.filter(
      (algorithm) => algorithm === 'sha256' || this.#databases.some((database) => database.has(algorithm)),
    )
  }

  judge(content: Buffer): Known {
    let sha256 = ''
    let allowed: Known['allowed']
    const reasons: Reason[] = []
    for (const algorithm of this.#algorithms) {
      const digest = digestOf(algorithm, content)
      if (algorithm === 'sha256') {
        sha256 = digest.toString('hex')
        const level = this.blocked.get(sha256)
        // No allow-list lifts what was decided of this very file.
        if (level !== undefined) reasons.push({ engine: 'hash', rule: 'blocked_hash', level })
      }
      for (const database of this.#databases) {
        const name = database.find('allowed', algorithm, digest)
        if (name !== undefined) {
          reasons.push({ engine: 'hash', rule: name, level: 'note', detail: `allow-listed by ${algorithm}` })
          if (algorithm === 'sha256' && !this.blocked.has(sha256)) return { sha256, reasons, allowed: 'all' }
          allowed = 'guesses'
        }
        const listed = database.find('malicious', algorithm, digest)
        if (
          listed !== undefined &&
          !reasons.some(({ level, rule }) => level === 'malicious' && rule === listed)
        )
          reasons.push({ engine: 'hash', rule: listed, level: 'malicious' })
      }
    }
    return { sha256, reasons, ...(allowed && { allowed }) }
  }
}
