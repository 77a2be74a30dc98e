import { anchorLogId } from '../../proofs/anchor.js'
import { encodeHex } from '../../proofs/bytes.js'
import type { Log, PublishedCheckpoint } from '../log.js'

/** What the anchorer knows of the log. */
export interface AnchorableLog {
  /** SHA-256 of the origin, hexadecimal. */
  readonly logId: string
  /** The newest checkpoint that may be anchored; undefined when there is none yet. */
  newest(): Pick<PublishedCheckpoint, 'size' | 'root' | 'note'> | undefined
  /** Root of the first `size` entries; undefined when the log is not that large. */
  rootAt(size: number): Uint8Array | undefined
}

/**
 * A log as the anchorer sees it.
 *
 * @param newest the newest checkpoint that has all it needs: of a log with witnesses, the newest one with their quorum
 */
export function anchorableLog(
  log: Pick<Log, 'identity' | 'published' | 'rootAt'>,
  newest: () => PublishedCheckpoint | undefined,
): AnchorableLog {
  return {
    logId: encodeHex(anchorLogId(log.identity.origin)),
    newest: () => {
      const checkpoint = newest()
      return checkpoint === undefined || checkpoint.size === 0 ? undefined : checkpoint
    },
    rootAt: (size) => (size > log.published.size ? undefined : log.rootAt(size)),
  }
}
