import { formatSessionBundle } from '../proofs/bundle.js'
import type { BundleEntry } from '../proofs/bundle.js'
import { LedgerError } from './errors.js'
import type { Log } from './log.js'
import type { ProvingCheckpoint } from './proving-checkpoint.js'

/** Entries and bytes of entries after which a bundle is cut, always behind a whole batch. */
export const MAX_BUNDLE = { entries: 16_384, bytes: 8 * 1024 * 1024 }

/** Where a bundle begins and how long it may become. */
export interface BundleRange {
  /** Log index of the first entry that is wanted. */
  readonly from?: number
  /** Most entries; a batch is not cut, so that there may be more. */
  readonly limit?: number
}

/**
 * The bundle of a session. A session that is too long for one bundle is cut, and
 * the bundle says so (`next`, and `from` in those that follow).
 *
 * @param checkpointFor the checkpoint that covers this many entries and that the bundle is made against
 * @throws LedgerError `NOT_FOUND`
 */
export async function makeBundle(
  log: Log,
  session: string,
  range: BundleRange = {},
  checkpointFor: (size: number) => ProvingCheckpoint = () => log.published,
): Promise<Uint8Array> {
  const { from = 0, limit = MAX_BUNDLE.entries } = range
  const { size } = log.published
  const entries: BundleEntry[] = []
  let bytes = 0
  let next: number | undefined
  for (const unit of log.sessionUnits(session, from, limit + 1)) {
    const end = unit.index + unit.entries
    if (end > size) break
    if (entries.length > 0 && (entries.length + unit.entries > limit || bytes >= MAX_BUNDLE.bytes)) {
      next = unit.index
      break
    }
    for (const [i, entry] of (await log.entries(unit.index, unit.entries)).entries()) {
      entries.push({ index: unit.index + i, entry })
      bytes += entry.length
    }
  }
  if (entries.length === 0)
    throw new LedgerError('NOT_FOUND', `there is no entry of session ${session} from ${from} on`)
  const checkpoint = checkpointFor((entries.at(-1)?.index ?? 0) + 1)
  const isLater = from > 0 && log.sessionBegan(session, from)
  return formatSessionBundle({
    session,
    entries,
    proof: log.inclusionOfAll(
      entries.map(({ index }) => index),
      checkpoint,
    ),
    checkpoint: checkpoint.note,
    ...(checkpoint.anchor !== undefined && { anchor: checkpoint.anchor }),
    ...(isLater && { from }),
    ...(next !== undefined && { next }),
  })
}
