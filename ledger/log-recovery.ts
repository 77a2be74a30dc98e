/** What happens between a start and the first append. */
import { join } from 'node:path'
import { encodeBase64 } from '../proofs/base64.js'
import { CompactRange } from '../proofs/compact-range.js'
import { leafHash } from '../proofs/hashing.js'
import { foldKeys, mayBeKeyEntry } from '../proofs/key-directory.js'
import type { KeyDirectory } from '../proofs/key-directory.js'
import { EMPTY_ROOT } from '../proofs/merkle.js'
import { encodeVkey } from '../proofs/note-key.js'
import { privateFolder } from '../runtime/data-folder.js'
import { LedgerError } from './errors.js'
import { createIdentity, readIdentity } from './identity.js'
import type { Identity } from './identity.js'
import { IndexStore } from './index-store.js'
import type { RecordedCheckpoint } from './index-store.js'
import { indexedEntry } from './indexed-entry.js'
import { LogKeys } from './keys/log-keys.js'
import { Lease } from './lease.js'
import type { LogOptions, LogParts } from './log.js'
import { Mirror } from './mirror/mirror.js'
import { TileTree } from './tile-tree.js'
import { openWal } from './wal.js'
import type { WriteAheadLog } from './wal.js'

/** Entries that are indexed in one step when the index is made anew. */
const REBUILD_ENTRIES = 8_192

/** Opens the stores of a log under the writer's lease and makes sure that they agree. */
export async function openParts(
  options: LogOptions,
  onLost: (error: LedgerError) => void,
): Promise<LogParts> {
  const folder = await privateFolder(options.folder)
  const store = new IndexStore(join(folder, 'index'))
  let lease: Lease | undefined
  let wal: WriteAheadLog | undefined
  let mirror: Mirror | undefined
  try {
    lease = new Lease(store, options.clock, onLost)
    const identity = await identify(options, store)
    mirror = await openMirror(options, identity.origin, onLost)
    const recorded = store.checkpoint
    if (recorded === undefined) {
      const message = 'the recorded checkpoint is missing: restore the folder index from a backup'
      throw new LedgerError('CHECKPOINT_MISSING', message)
    }
    const keyEntries: { index: number; entry: Uint8Array }[] = []
    wal = await readWal(options, recorded, mirror?.checkpoint, (index, entry) => {
      if (mayBeKeyEntry(entry)) keyEntries.push({ index, entry })
    })
    const tree = await openTree(options, store, wal, recorded)
    const keys = new LogKeys(recomputeKeys(keyEntries, identity, options))
    return { identity, keys, store, lease, wal, tree, recorded, ...(mirror !== undefined && { mirror }) }
  } catch (error) {
    await wal?.close()
    await mirror?.close()
    lease?.release()
    await store.close()
    throw error
  }
}

/** Takes the lease of the mirror, and begins it when it holds nothing yet. */
async function openMirror(
  { openMirror: open, log, clock }: LogOptions,
  origin: string,
  onLost: (error: LedgerError) => void,
): Promise<Mirror | undefined> {
  if (open === undefined) return undefined
  const mirror = await Mirror.take({ store: await open(origin), log, onLost })
  if (mirror.checkpoint === undefined) {
    await mirror.initialise({ size: 0, root: encodeBase64(EMPTY_ROOT), time: clock.now() })
  }
  return mirror
}

/** A folder that was lost must not become another log beside the one that the mirror holds. */
async function refuseBesideMirror({ openMirror: open, folder }: LogOptions): Promise<void> {
  const store = await open?.()
  try {
    const origin = await store?.origin()
    if (origin === undefined) return
    const message =
      `${folder} is empty, but the mirror holds the log ${origin}: put its key there and say ` +
      '`portcullis ledger import --from-mirror`, or name another database in ledger.mysql'
    throw new LedgerError('NOT_INITIALISED', message)
  } finally {
    await store?.close()
  }
}

async function identify(options: LogOptions, store: IndexStore): Promise<Identity> {
  const { folder, origin, name, clock, log } = options
  const present = await readIdentity(folder, options.root)
  if (present !== undefined) {
    if (origin !== undefined && origin !== present.origin) {
      throw new LedgerError('BAD_IDENTITY', `the folder holds the log ${present.origin}, not ${origin}`)
    }
    return present
  }
  if (origin !== undefined) {
    const message =
      `${folder} is empty, but the log ${origin} is expected there: restore it, or say ` +
      '`portcullis ledger init` to begin a new log'
    throw new LedgerError('NOT_INITIALISED', message)
  }
  const walFolder = join(folder, 'wal')
  await options.disk.makeDirectory(walFolder)
  if (store.checkpoint === undefined && (await options.disk.list(walFolder)).length > 0) {
    throw new LedgerError('CHECKPOINT_MISSING', `${walFolder} holds entries, but no checkpoint was recorded`)
  }
  await refuseBesideMirror(options)
  const made = await createIdentity(folder, store, { name, root: options.root, now: clock.now() })
  log.info({ origin: made.origin, vkey: made.vkey, root: encodeVkey(made.root) }, 'a new log begins')
  return made
}

/**
 * Who may sign is nowhere stored: it follows from the entries, all of which are read at a start anyway.
 *
 * @param entries all that may be about a key
 */
function recomputeKeys(
  entries: readonly { readonly index: number; readonly entry: Uint8Array }[],
  { origin, root, signer }: Identity,
  { log }: LogOptions,
): KeyDirectory {
  const reserved = [{ publicKey: signer.publicKey, role: 'log' }]
  const { directory, faults } = foldKeys(entries, { origin, root, reserved })
  for (const { index, error } of faults) {
    log.warn({ index, code: error.machineCode, err: error.message }, 'an entry about a key has no effect')
  }
  return directory
}

/** Reads every entry, and checks that the first ones have the roots that were recorded for them, here and in the mirror. */
async function readWal(
  options: LogOptions,
  recorded: RecordedCheckpoint,
  mirrored: RecordedCheckpoint | undefined,
  onEntry: (index: number, entry: Uint8Array) => void,
): Promise<WriteAheadLog> {
  const range = new CompactRange()
  const checkRoot = (): void => {
    for (const head of [recorded, mirrored]) {
      if (head?.size !== range.size || encodeBase64(range.root()) === head.root) continue
      const where = head === mirrored ? 'in the mirror' : 'for them'
      const message = `the first ${head.size} entries do not have the root that was recorded ${where}`
      throw new LedgerError('ROOT_MISMATCH', message)
    }
  }
  checkRoot()
  const wal = await openWal({
    disk: options.disk,
    directory: join(options.folder, 'wal'),
    minimum: Math.max(recorded.size, mirrored?.size ?? 0),
    ...(options.segmentBytes !== undefined && { segmentBytes: options.segmentBytes }),
    onRecovered: (_first, entries) => {
      for (const entry of entries) {
        onEntry(range.size, entry)
        range.append(leafHash(entry))
        checkRoot()
      }
    },
  })
  if (wal.truncated !== undefined) {
    options.log.warn(wal.truncated, 'a torn group that was never acknowledged was cut off')
  }
  return wal
}

/** The tree of the recorded checkpoint; when the stored tiles do not give its root, they are made anew. */
async function openTree(
  options: LogOptions,
  store: IndexStore,
  wal: WriteAheadLog,
  recorded: RecordedCheckpoint,
): Promise<TileTree> {
  try {
    const tree = new TileTree(recorded.size, store.readTile)
    if (encodeBase64(tree.root()) === recorded.root && store.isCurrent) return tree
  } catch (error) {
    if (!(error instanceof LedgerError) || error.code !== 'INDEX_DAMAGED') throw error
  }
  options.log.warn(
    { entries: recorded.size },
    'the index is damaged, or of another version, and is made anew from the write-ahead log',
  )
  return rebuild(store, wal, recorded.size)
}

/** Makes the rows of the first `size` entries anew from the write-ahead log; what was in the index before is dropped. */
export async function rebuild(store: IndexStore, wal: WriteAheadLog, size: number): Promise<TileTree> {
  await store.clear()
  const tree = new TileTree(0, store.readTile)
  while (tree.size < size) {
    const first = tree.size
    const entries = await wal.read(first, Math.min(REBUILD_ENTRIES, size - first))
    const indexed = entries.map((bytes, i) => indexedEntry(first + i, { bytes, leaf: leafHash(bytes) }))
    for (const { leaf } of indexed) tree.append(leaf)
    const tiles = tree.changed()
    await store.restore(indexed, tiles)
    tree.stored(tiles)
  }
  await store.markCurrent()
  return tree
}
