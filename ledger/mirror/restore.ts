import { encodeBase64 } from '../../proofs/base64.js'
import { CompactRange } from '../../proofs/compact-range.js'
import { leafHash } from '../../proofs/hashing.js'
import type { Logger } from '../../runtime/log.js'
import { LedgerError } from '../errors.js'
import type { Identity } from '../identity.js'
import { keyOfEmptyFolder, writeLog } from '../import.js'
import type { ImportOptions } from '../import.js'
import type { RecordedCheckpoint } from '../index-store.js'
import { Mirror } from './mirror.js'
import type { MysqlStore } from './mysql-store.js'
import type { OpenMirror } from './open.js'

/** Entries that are read in one step, and written as one frame. */
const STEP = 256

export interface RestoreOptions extends ImportOptions {
  readonly log: Logger
  readonly openMirror: OpenMirror
}

export interface Restored {
  readonly identity: Identity
  readonly checkpoint: RecordedCheckpoint
}

/**
 * Makes the log of an empty folder again from the mirror, whose lease it holds meanwhile. The log's private key is not in
 * the mirror: the operator puts it there.
 *
 * @throws LedgerError `BAD_IDENTITY` without a key, `ALREADY_INITIALISED` for a folder that holds a log, `BAD_MIRROR` when
 *   the mirror is another log's, `LOCKED` while a writer runs, `ROOT_MISMATCH` when the entries of the mirror do not
 *   have the root of its checkpoint (then nothing is written)
 */
export async function restoreFromMirror(options: RestoreOptions): Promise<Restored> {
  const { log, openMirror } = options
  const signer = await keyOfEmptyFolder(options.folder)
  const source = await openMirror(signer.name)
  let lost: LedgerError | undefined
  const onLost = (error: LedgerError): void => {
    lost = error
  }
  const mirror = await Mirror.take({ store: source, log, onLost })
  try {
    const { checkpoint } = mirror
    if (checkpoint === undefined)
      throw new LedgerError('BAD_MIRROR', 'ledger.mysql: the database holds no log')
    const range = new CompactRange()
    for await (const entries of read(source, checkpoint.size)) {
      for (const entry of entries) range.append(leafHash(entry))
      if (lost !== undefined) throw lost
    }
    if (encodeBase64(range.root()) !== checkpoint.root) {
      const message = `the ${checkpoint.size} entries of the mirror do not have the root of its checkpoint`
      throw new LedgerError('ROOT_MISMATCH', message)
    }
    return { identity: await writeLog(options, checkpoint, read(source, checkpoint.size)), checkpoint }
  } finally {
    await mirror.close()
  }
}

async function* read(source: MysqlStore, size: number): AsyncGenerator<readonly Uint8Array[]> {
  for (let first = 0; first < size; first += STEP) {
    yield await source.entries(first, Math.min(STEP, size - first))
  }
}
