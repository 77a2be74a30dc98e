import { createHash } from 'node:crypto'
import { lstatSync, type BigIntStats } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { open, type RootDatabase } from 'lmdb'
import { privateFolderSync } from '../runtime/data-folder.js'
import { checkLmdbFile } from '../runtime/lmdb-file.js'

/** Files that are remembered; beyond it the journal starts anew and everything is read once more. */
const MAX_FILES = 2_000_000
/**
 * Milliseconds. A file's times move in ticks of the kernel's clock, so one that changed a moment ago can change again
 * and look the same.
 */
const TICK_MS = 50
const TICKS = 3

/** What a file looked like before it was judged. */
export interface FileState {
  /** Bytes to remember; undefined when the file may change without looking changed, or cannot be looked at. */
  readonly mark: Buffer | undefined
}

/**
 * What was judged and dealt with, over restarts: by path, the device, inode, size and times of the file and the version
 * of the rules. A file that is not in it as it is now is to be judged. Losing entries costs reading, never a verdict.
 */
export class Journal {
  private constructor(
    readonly store: RootDatabase<Buffer, Buffer>,
    private version: string,
  ) {}

  /**
   * @param folder `<data>/scanner`
   * @param version of the rules, see {@link ruleSetVersion}
   * @throws RuntimeError `OUTBOX_OPEN` for a file that is no store
   */
  static open(folder: string, version: string): Journal {
    const path = privateFolderSync(folder, 'journal')
    checkLmdbFile(join(path, 'data.mdb'))
    const store = open<Buffer, Buffer>({ path, noSubdir: false, encoding: 'binary', keyEncoding: 'binary' })
    return new Journal(store, version)
  }

  /** From now on what other rules have judged is to be judged again. */
  setVersion(version: string): void {
    this.version = version
  }

  /** Whether a file has been judged by these rules as it is now; otherwise what to remember once it has been. */
  async look(path: Buffer): Promise<'known' | FileState> {
    for (let tick = 0; ; tick++) {
      const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false })
      if (!stat) return { mark: undefined }
      const mark = this.#mark(stat)
      if (this.store.getBinary(keyOf(path))?.equals(mark)) return 'known'
      if (Date.now() - Number(stat.ctimeMs) > TICK_MS) return { mark }
      if (tick === TICKS) return { mark: undefined }
      await pause(TICK_MS)
    }
  }

  /** Remembers that a file was judged and its finding dealt with. */
  settle(path: Buffer, { mark }: FileState): void {
    // Not awaited: an entry that a crash loses is judged once more.
    if (mark) this.store.put(keyOf(path), mark).catch(() => undefined)
  }

  /** Makes what was settled durable, and keeps the journal within its bound. */
  async flush(): Promise<void> {
    await this.store.flushed
    if (countOf(this.store) > MAX_FILES) await this.store.clearAsync()
  }

  async close(): Promise<void> {
    await this.store.close()
  }

  #mark({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): Buffer {
    return digest(`${this.version}:${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`)
  }
}

/** A key of LMDB has at most 1978 bytes, a path may have more. */
const keyOf = (path: Buffer): Buffer => digest(path)

const digest = (of: Buffer | string): Buffer => createHash('sha256').update(of).digest().subarray(0, 20)

function countOf(store: RootDatabase<Buffer, Buffer>): number {
  const stats: unknown = store.getStats()
  return typeof stats === 'object' && stats !== null && 'entryCount' in stats ? Number(stats.entryCount) : 0
}
