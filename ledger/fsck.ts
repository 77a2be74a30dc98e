/**
 * Looks through the data folder of a log that no writer has open, without changing it: the write-ahead log's checksums,
 * its root against the recorded checkpoint, the index against what the log gives, the key.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeBase64, decodeBase64 } from '../proofs/base64.js'
import { signCheckpoint, verifyCheckpoint } from '../proofs/checkpoint.js'
import { CompactRange } from '../proofs/compact-range.js'
import { ProofError } from '../proofs/errors.js'
import { leafHash } from '../proofs/hashing.js'
import { decodeVkey } from '../proofs/note-key.js'
import { LedgerError } from './errors.js'
import type { ErrorDetail } from './errors.js'
import { readIdentity } from './identity.js'
import { indexDifference } from './index-difference.js'
import { IndexStore } from './index-store.js'
import type { RecordedCheckpoint } from './index-store.js'
import { Lease } from './lease.js'
import { rebuild } from './log-recovery.js'
import { openLog } from './log.js'
import type { LogOptions } from './log.js'
import { openWal } from './wal.js'
import type { WriteAheadLog } from './wal.js'

/**
 * The outcome of one check. `repairable`: it can be made again from what is there, at the next start or with `repair`.
 * `fail`: it cannot; the folder has to come from a backup.
 */
export interface FsckCheck {
  readonly name: 'key' | 'write-ahead log' | 'root' | 'index' | 'checkpoint'
  readonly result: 'pass' | 'repairable' | 'repaired' | 'fail'
  readonly message: string
  readonly code?: string
  /** Where, for damage in a file. */
  readonly detail?: ErrorDetail
}

export interface FsckReport {
  readonly ok: boolean
  readonly origin?: string
  readonly size?: number
  readonly checks: readonly FsckCheck[]
}

export interface FsckOptions extends Omit<LogOptions, 'origin' | 'onFatal' | 'root'> {
  /** Whether what is derivable is made again. */
  readonly repair?: boolean
}

/**
 * Checks the folder of a log.
 *
 * @throws LedgerError `NOT_INITIALISED` when there is no log, `LOCKED` while a writer has it open
 */
export async function checkLogFolder(options: FsckOptions): Promise<FsckReport> {
  const checks: FsckCheck[] = []
  const facts = await inspect(options, checks)
  const isBroken = checks.some(({ result }) => result === 'fail')
  const isRepairable = checks.some(({ result }) => result === 'repairable')
  if (options.repair && isRepairable && !isBroken) {
    // A start repairs all of it; that it does so is checked again.
    const log = await openLog({ ...options, root: noRoot })
    await log.close()
    const after: FsckCheck[] = []
    const again = await inspect(options, after)
    const result = after.map((check) => {
      const before = checks.find(({ name }) => name === check.name)
      return check.result === 'pass' && before?.result === 'repairable'
        ? { ...before, result: 'repaired' as const }
        : check
    })
    return { ok: result.every(isGood), ...again, checks: result }
  }
  return { ok: checks.every(isGood), ...facts, checks }
}

/** A log that is there has its root already. */
const noRoot = async (): Promise<never> => {
  throw new LedgerError('NOT_INITIALISED', 'a log has to begin before it can be checked')
}

const isGood = ({ result }: FsckCheck): boolean => result === 'pass' || result === 'repaired'

async function inspect(
  options: FsckOptions,
  checks: FsckCheck[],
): Promise<{ readonly origin?: string; readonly size?: number }> {
  const { folder, clock } = options
  const identity = await attemptCheck(checks, 'key', async () => {
    const found = await readIdentity(folder)
    if (found === undefined) throw new LedgerError('NOT_INITIALISED', `there is no log in ${folder}`)
    return found
  })
  if (identity === undefined) return {}
  checks.push({ name: 'key', result: 'pass', message: `it is the key of ${identity.origin}` })
  const store = new IndexStore(join(folder, 'index'))
  let lease: Lease | undefined
  let wal: WriteAheadLog | undefined
  try {
    lease = new Lease(store, clock, () => undefined)
    const recorded = store.checkpoint
    const opened = await attemptCheck(checks, 'write-ahead log', () => readLog(options, recorded, checks))
    wal = opened
    if (opened === undefined || recorded === undefined) return { origin: identity.origin }
    await attemptCheck(checks, 'index', () => checkIndex(folder, store, opened, recorded, checks, options))
    await attemptCheck(checks, 'checkpoint', async () => {
      const { origin, signer, vkey } = identity
      const root = decodeBase64(recorded.root)
      if (root === undefined) throw new LedgerError('INDEX_DAMAGED', 'the recorded checkpoint has no root')
      verifyCheckpoint(signCheckpoint({ origin, size: recorded.size, root }, [signer]), [decodeVkey(vkey)])
      checks.push({ name: 'checkpoint', result: 'pass', message: `of ${recorded.size} entries, it verifies` })
    })
    return { origin: identity.origin, size: recorded.size }
  } finally {
    await wal?.close()
    lease?.release()
    await store.close()
  }
}

/** Reads the whole write-ahead log and compares its root with the recorded one. */
async function readLog(
  { folder, disk }: FsckOptions,
  recorded: RecordedCheckpoint | undefined,
  checks: FsckCheck[],
): Promise<WriteAheadLog> {
  if (recorded === undefined) {
    throw new LedgerError('CHECKPOINT_MISSING', 'no checkpoint is recorded: restore the folder index')
  }
  const range = new CompactRange()
  let root = recorded.size === 0 ? encodeBase64(range.root()) : undefined
  const wal = await openWal({
    disk,
    directory: join(folder, 'wal'),
    minimum: recorded.size,
    readOnly: true,
    onRecovered: (_first, entries) => {
      for (const entry of entries) {
        range.append(leafHash(entry))
        if (range.size === recorded.size) root = encodeBase64(range.root())
      }
    },
  })
  const name = 'write-ahead log'
  if (wal.truncated === undefined) {
    checks.push({ name, result: 'pass', message: `${wal.size} entries, every checksum is right` })
  } else {
    const message = 'a torn group that was never acknowledged stands at its end'
    checks.push({ name, result: 'repairable', message, detail: wal.truncated })
  }
  if (root !== recorded.root) {
    const message = `the first ${recorded.size} entries do not have the root that was recorded for them`
    checks.push({ name: 'root', result: 'fail', code: 'ROOT_MISMATCH', message })
  } else if (wal.size > recorded.size) {
    const message = `${wal.size - recorded.size} durable entries stand behind the recorded checkpoint`
    checks.push({ name: 'root', result: 'repairable', message })
  } else {
    checks.push({ name: 'root', result: 'pass', message: `of ${recorded.size} entries, ${root}` })
  }
  return wal
}

/** Makes the index anew beside the present one, and compares all rows. */
async function checkIndex(
  folder: string,
  store: IndexStore,
  wal: WriteAheadLog,
  recorded: RecordedCheckpoint,
  checks: FsckCheck[],
  options: FsckOptions,
): Promise<void> {
  const scratch = await mkdtemp(join(folder, 'fsck-'))
  try {
    const made = new IndexStore(scratch)
    try {
      await rebuild(made, wal, recorded.size)
    } finally {
      await made.close()
    }
    const difference = await indexDifference(join(folder, 'index'), scratch)
    if (difference === undefined && store.isCurrent) {
      checks.push({ name: 'index', result: 'pass', message: 'every row is what the entries give' })
      return
    }
    const message = `${difference ?? 'its version'} is not what the entries give`
    checks.push({ name: 'index', result: 'repairable', code: 'INDEX_DAMAGED', message })
    // Without them the next start makes the rows anew.
    if (options.repair) await store.clear()
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** Runs a check; what it throws about the folder's content becomes its outcome. */
async function attemptCheck<T>(
  checks: FsckCheck[],
  name: FsckCheck['name'],
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    const isVerdict = error instanceof ProofError || error instanceof LedgerError
    if (!isVerdict || error.code === 'NOT_INITIALISED') throw error
    const detail = error instanceof LedgerError && Object.keys(error.detail).length > 0
    checks.push({
      name,
      result: 'fail',
      code: error.code,
      message: error.message,
      ...(detail && { detail: error.detail }),
    })
    return undefined
  }
}
