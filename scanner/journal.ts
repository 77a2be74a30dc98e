import { createHash } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { open, type RootDatabase } from 'lmdb'
import { privateFolderSync } from '../runtime/data-folder.js'
import { codeOf } from '../runtime/errors.js'
import { checkLmdbFile } from '../runtime/lmdb-file.js'

/** Files that are remembered; beyond it the journal starts anew and everything is read once more. */
const MAX_FILES = 2_000_000
/**
 * Milliseconds. A file's times move in ticks of the kernel's clock, so one that changed a moment ago can change again
 * and look the same.
 */
const TICK_MS = 50
const TICKS = 3
/** Bytes of a key; LMDB takes 1978, a path may have 4096. */
const MAX_KEY = 1900
const MARK_BYTES = 56

/** What a file looked like before it was judged. */
export interface FileState {
  /** What to remember; undefined when the file may change without looking changed, or cannot be looked at. */
  readonly mark: Buffer | undefined
  /** Whether nothing of that name is there (any more). */
  readonly isGone?: boolean
}

/**
 * What was judged and dealt with, over restarts: by path, the device, inode, size and times of the file and the version
 * of the rules. A file that is not in it as it is now is to be judged. Losing entries costs reading, never a verdict.
 */
export class Journal {
  #version: Buffer
  readonly #scratch = Buffer.alloc(MARK_BYTES)

  private constructor(
    readonly store: RootDatabase<Buffer, Buffer>,
    version: string,
  ) {
    this.#version = digest(version).subarray(0, 16)
  }

  /**
   * @param folder `<data>/scanner`
   * @param version of the rules, see {@link ruleSetVersion}
   * @throws RuntimeError `OUTBOX_OPEN` for a file that is no store
   */
  static open(folder: string, version: string): Journal {
    const path = privateFolderSync(folder, 'journal')
    checkLmdbFile(join(path, 'data.mdb'))
    return new Journal(
      open<Buffer, Buffer>({ path, noSubdir: false, encoding: 'binary', keyEncoding: 'binary' }),
      version,
    )
  }

  /** The journal that another process keeps, to be read beside it. */
  static read(folder: string, version: string): Journal {
    const path = join(folder, 'journal')
    return new Journal(
      open<Buffer, Buffer>({
        path,
        noSubdir: false,
        encoding: 'binary',
        keyEncoding: 'binary',
        readOnly: true,
      }),
      version,
    )
  }

  /** From now on what other rules have judged is to be judged again. */
  setVersion(version: string): void {
    this.#version = digest(version).subarray(0, 16)
  }

  /** Whether a file that looks like this has been judged by these rules. */
  knows(path: Buffer, stat: BigIntStats): boolean {
    // Lies at the beginning of a buffer that is used again for the next.
    const known = this.store.getBinaryFast(keyOf(path))
    return known?.length === MARK_BYTES && this.#mark(stat).compare(known, 0, MARK_BYTES) === 0
  }

  /** Whether a file has been judged by these rules as it is now; otherwise what to remember once it has been. */
  async look(path: Buffer): Promise<'known' | FileState> {
    for (let tick = 0; ; tick++) {
      let stat
      try {
        stat = await lstat(path, { bigint: true })
      } catch (error) {
        return { mark: undefined, isGone: codeOf(error) === 'ENOENT' }
      }
      if (this.knows(path, stat)) return 'known'
      if (Date.now() - Number(stat.ctimeMs) > TICK_MS) return { mark: Buffer.from(this.#mark(stat)) }
      if (tick === TICKS) return { mark: undefined }
      await pause(TICK_MS)
    }
  }

  /** Remembers that a file was judged and its finding dealt with. */
  settle(path: Buffer, { mark }: FileState): void {
    // Not awaited: an entry that a crash loses is judged once more.
    if (mark) this.store.put(keyOf(path), mark).catch(() => undefined)
  }

  /** Forgets a file that is gone. */
  forget(path: Buffer): void {
    this.store.remove(keyOf(path)).catch(() => undefined)
  }

  /** The paths that are remembered, in their order; those too long to be keys are not among them. */
  *paths(): Generator<Buffer> {
    for (const key of this.store.getKeys()) if (key[0] !== HASHED) yield Buffer.from(key)
  }

  /** Files that are remembered. */
  get size(): number {
    const stats: unknown = this.store.getStats()
    return typeof stats === 'object' && stats !== null && 'entryCount' in stats ? Number(stats.entryCount) : 0
  }

  /** Makes what was settled durable, and keeps the journal within its bound. */
  async flush(): Promise<void> {
    await this.store.flushed
    // A process that was killed while it read holds on to pages that could be used again.
    this.store.readerCheck()
    if (this.size > MAX_FILES) await this.store.clearAsync()
  }

  async close(): Promise<void> {
    await this.store.close()
  }

  /** Valid until the next call: it is asked for every file of a tree, again and again. */
  #mark({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): Buffer {
    const mark = this.#scratch
    this.#version.copy(mark)
    let at = 16
    for (const value of [dev, ino, size, mtimeNs, ctimeNs])
      at = mark.writeBigUInt64LE(BigInt.asUintN(64, value), at)
    return mark
  }
}

/** Begins the key of a path that is too long to be one; paths begin with a slash. */
const HASHED = 0

const keyOf = (path: Buffer): Buffer =>
  path.length <= MAX_KEY ? path : Buffer.concat([Buffer.of(HASHED), digest(path)])

const digest = (of: Buffer | string): Buffer => createHash('sha256').update(of).digest()
