import { join } from 'node:path'
import { encodeBase64 } from '../proofs/base64.js'
import { CompactRange } from '../proofs/compact-range.js'
import { leafHash } from '../proofs/hashing.js'
import { decodeVkey, encodeVkey } from '../proofs/note-key.js'
import type { NoteSigner, NoteVerifier } from '../proofs/note-key.js'
import { entryBundles } from '../proofs/tile.js'
import { privateFolder } from '../runtime/data-folder.js'
import { auditLog } from './audit/audit.js'
import { openFolder } from './audit/folder-source.js'
import type { AuditReport } from './audit/report.js'
import { TileFiles } from './audit/tile-files.js'
import type { Disk } from './disk.js'
import { LedgerError } from './errors.js'
import { createIdentity, readIdentity } from './identity.js'
import type { Identity } from './identity.js'
import { IndexStore } from './index-store.js'
import type { RecordedCheckpoint } from './index-store.js'
import { readKeyFile } from './key-file.js'
import { Lease } from './lease.js'
import { rebuild } from './log-recovery.js'
import { openWal } from './wal.js'
import type { WriteAheadLog } from './wal.js'

export interface ImportOptions {
  /** `<data>/ledger`, holding the log's key and nothing else of a log. */
  readonly folder: string
  readonly disk: Disk
  readonly clock: { now(): number }
  /** The root key that the log began with: a policy of a verifier names it, the files do not. */
  readonly root: Pick<NoteVerifier, 'name' | 'publicKey'>
  readonly segmentBytes?: number
  readonly onProgress?: (done: number, size: number) => void
}

/**
 * Makes a log again from its static files: audits all of them, then writes the entries, the index and the checkpoint.
 * The log goes on from the checkpoint that it imports: had it ever signed a larger one, it would sign two histories.
 *
 * @returns the audit; nothing is written unless it is ok
 * @throws LedgerError `BAD_IDENTITY` when the key is not there, `ALREADY_INITIALISED` when a log is
 */
export async function importLog(source: string, options: ImportOptions): Promise<AuditReport> {
  const signer = await keyOfEmptyFolder(options.folder)
  const files = await openFolder(source)
  const report = await auditLog(files, {
    keys: [decodeVkey(encodeVkey(signer))],
    ...(options.onProgress !== undefined && { onProgress: options.onProgress }),
  })
  const { size, root } = report
  if (!report.ok || size === undefined || root === undefined) return report
  await writeLog(options, { size, root, time: options.clock.now() }, bundles(new TileFiles(files), size))
  return report
}

/**
 * The key in a folder that holds no log yet.
 *
 * @throws LedgerError `BAD_IDENTITY` when the key is not there, `ALREADY_INITIALISED` when a log is
 */
export async function keyOfEmptyFolder(path: string): Promise<NoteSigner> {
  const folder = await privateFolder(path)
  if ((await readIdentity(folder)) !== undefined) throw occupied(folder)
  const signer = await readKeyFile(join(folder, 'key'))
  if (signer === undefined) {
    const message = `the log's key is not in ${join(folder, 'key')}: restore it, an import cannot`
    throw new LedgerError('BAD_IDENTITY', message)
  }
  return signer
}

/**
 * Makes a log out of its entries, in a folder that holds its key alone.
 *
 * @param groups all entries in order
 * @throws LedgerError `ALREADY_INITIALISED`, or `ROOT_MISMATCH` when the entries do not have the root of the checkpoint
 */
export async function writeLog(
  options: ImportOptions,
  checkpoint: RecordedCheckpoint,
  groups: AsyncIterable<readonly Uint8Array[]>,
): Promise<Identity> {
  const { clock, folder } = options
  const store = new IndexStore(join(folder, 'index'))
  let lease: Lease | undefined
  let wal: WriteAheadLog | undefined
  try {
    lease = new Lease(store, clock, () => undefined)
    wal = await emptyWal(options, folder)
    if (store.checkpoint !== undefined || wal.size > 0) throw occupied(folder)
    const range = new CompactRange()
    for await (const entries of groups) {
      for (const entry of entries) range.append(leafHash(entry))
      await wal.append(entries)
    }
    if (encodeBase64(range.root()) !== checkpoint.root)
      throw new LedgerError('ROOT_MISMATCH', 'the entries changed while they were imported')
    await rebuild(store, wal, checkpoint.size)
    store.initialise(checkpoint)
    // The file that says that all of it is there comes last.
    return await createIdentity(folder, store, { name: '', root: async () => options.root, now: clock.now() })
  } finally {
    await wal?.close()
    lease?.release()
    await store.close()
  }
}

function emptyWal({ disk, segmentBytes }: ImportOptions, folder: string): Promise<WriteAheadLog> {
  return openWal({
    disk,
    directory: join(folder, 'wal'),
    minimum: 0,
    ...(segmentBytes !== undefined && { segmentBytes }),
    onRecovered: () => {
      throw occupied(folder)
    },
  })
}

async function* bundles(files: TileFiles, size: number): AsyncGenerator<readonly Uint8Array[]> {
  for (const tile of entryBundles(size)) {
    const bundle = await files.entries(tile)
    if ('code' in bundle) throw new LedgerError('ROOT_MISMATCH', `${bundle.path}: ${bundle.message}`)
    yield bundle.entries
  }
}

function occupied(folder: string): LedgerError {
  return new LedgerError('ALREADY_INITIALISED', `${folder} holds a log, or the rest of one, already`)
}
