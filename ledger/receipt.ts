import { formatCoseReceipt } from '../proofs/cose-receipt.js'
import { parseEntry } from '../proofs/entry.js'
import { formatReceipt } from '../proofs/receipt.js'
import type { ReceiptSeal } from '../proofs/receipt.js'
import { batchPath, MAX_BATCH, parseSealNote, SEAL_LINE } from '../proofs/seal.js'
import { LedgerError } from './errors.js'
import type { Log } from './log.js'
import type { ProvingCheckpoint } from './proving-checkpoint.js'

/** Entries that are read at once when the seal of an action is looked for. */
const STEP = 256
const SEAL_START = Buffer.from(`${SEAL_LINE}\n`)

/**
 * The receipt of an entry.
 *
 * @param checkpointFor the checkpoint that covers this many entries and that the receipt is made against
 * @throws LedgerError `NOT_FOUND`
 */
export async function makeReceipt(
  log: Log,
  index: number,
  checkpointFor: (size: number) => ProvingCheckpoint = () => log.published,
): Promise<Uint8Array> {
  const entry = await log.entry(index)
  const sealIndex =
    parseEntry(entry).type === 'sealed' ? await findSeal(log, index, log.published.size) : undefined
  const checkpoint = checkpointFor((sealIndex ?? index) + 1)
  const seal = sealIndex === undefined ? undefined : await makeSeal(log, index, sealIndex, checkpoint)
  return formatReceipt({
    entry,
    index,
    proof: log.inclusion(index, checkpoint),
    checkpoint: checkpoint.note,
    ...(checkpoint.anchor !== undefined && { anchor: checkpoint.anchor }),
    ...(seal !== undefined && { seal }),
  })
}

/**
 * The inclusion of an entry in the newest published tree as a COSE receipt.
 *
 * @throws LedgerError `NOT_FOUND`
 */
export function makeCoseReceipt(log: Log, index: number): Uint8Array {
  const { size, root } = log.published
  const proof = log.inclusion(index, log.published)
  return formatCoseReceipt({ index, size, proof }, root, log.identity.signer)
}

async function makeSeal(
  log: Log,
  index: number,
  sealIndex: number,
  checkpoint: ProvingCheckpoint,
): Promise<ReceiptSeal> {
  const entry = await log.entry(sealIndex)
  const { count } = parseSealNote(entry).seal
  const first = sealIndex - count
  const batch = await log.entries(first, count)
  return {
    entry,
    index: sealIndex,
    proof: log.inclusion(sealIndex, checkpoint),
    position: index - first,
    path: batchPath(batch, index - first),
  }
}

/** A sealed action is followed by others of its batch and then by the seal: all were appended in one step. */
async function findSeal(log: Log, index: number, size: number): Promise<number> {
  const end = Math.min(size, index + 1 + MAX_BATCH)
  for (let first = index + 1; first < end; first += STEP) {
    const entries = await log.entries(first, Math.min(STEP, end - first))
    const found = entries.findIndex((bytes) => SEAL_START.equals(bytes.subarray(0, SEAL_START.length)))
    if (found !== -1) return first + found
  }
  throw new LedgerError('NOT_FOUND', `no seal follows entry ${index}`)
}
