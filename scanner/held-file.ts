import { createHash } from 'node:crypto'
import { constants, type BigIntStats } from 'node:fs'
import { lstat, open, unlink, type FileHandle } from 'node:fs/promises'
import { codeOf, messageOf } from '../runtime/errors.js'
import { ScanError } from './errors.js'
import { holdParent, type HeldPath } from './held-path.js'

/** What was judged: nothing is done to a file that is another one now. */
export interface JudgedBytes {
  readonly sha256: string
  readonly size: number
}

const CHUNK_BYTES = 1024 * 1024

/**
 * A file that something is to be done to, held by one descriptor that was opened without following links, and by one of its
 * folder: what takes its name meanwhile is never meant.
 */
export class HeldFile {
  private constructor(
    readonly held: HeldPath,
    readonly handle: FileHandle,
    /** As it was when it was opened. */
    readonly stat: BigIntStats,
  ) {}

  /**
   * Close it when done.
   * @throws ScanError `QUARANTINE_CHANGED` when there is no regular file of that name, `QUARANTINE_TARGET`, `QUARANTINE_IO`
   */
  static async open(path: Buffer): Promise<HeldFile> {
    const held = await holdParent(path)
    let handle: FileHandle | undefined
    try {
      handle = await open(held.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
      const stat = await handle.stat({ bigint: true })
      if (!stat.isFile()) throw new ScanError('QUARANTINE_CHANGED', `${path.toString()} is no regular file`)
      return new HeldFile(held, handle, stat)
    } catch (error) {
      await handle?.close()
      await held.folder.close()
      if (error instanceof ScanError) throw error
      const code = codeOf(error)
      throw new ScanError(
        code === 'ELOOP' || code === 'ENOENT' || code === 'ENXIO' ? 'QUARANTINE_CHANGED' : 'QUARANTINE_IO',
        `cannot open ${path.toString()}: ${messageOf(error)}`,
        { cause: error },
      )
    }
  }

  get size(): number {
    return Number(this.stat.size)
  }

  /** Other names of the same file, which stay when this one is taken away. */
  get hardLinks(): number {
    return Number(this.stat.nlink) - 1
  }

  /**
   * Hands out the content from its beginning.
   * @throws ScanError `QUARANTINE_CHANGED` when it has grown
   */
  async *chunks(): AsyncGenerator<Buffer> {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
    for (let position = 0; ;) {
      const { bytesRead } = await this.handle.read(buffer, 0, buffer.length, position)
      if (bytesRead === 0) return
      position += bytesRead
      if (position > this.size) throw new ScanError('QUARANTINE_CHANGED', 'the file grew while it was read')
      yield buffer.subarray(0, bytesRead)
    }
  }

  /** SHA-256 in hex. */
  async digest(): Promise<string> {
    const digest = createHash('sha256')
    for await (const chunk of this.chunks()) digest.update(chunk)
    return digest.digest('hex')
  }

  /** @throws ScanError `QUARANTINE_CHANGED` when something was written to it since it was opened */
  async checkUnchanged(): Promise<void> {
    if (!isSameState(await this.handle.stat({ bigint: true }), this.stat))
      throw new ScanError('QUARANTINE_CHANGED', `${this.name} changed while it was read`)
  }

  /**
   * Takes the file's name away, if it still is this very file's.
   * @throws ScanError `QUARANTINE_CHANGED` when it is not, or something was written to it
   */
  async removeName(): Promise<void> {
    if (!isSameState(await lstat(this.held.path, { bigint: true }), this.stat))
      throw new ScanError('QUARANTINE_CHANGED', `${this.name} was written to, or another file took its name`)
    await unlink(this.held.path)
  }

  async close(): Promise<void> {
    await this.handle.close()
    await this.held.folder.close()
  }

  /** Its path without links, for people. */
  get name(): string {
    return this.held.real.toString()
  }
}

export const isSameFile = (one: BigIntStats, other: BigIntStats): boolean =>
  one.dev === other.dev && one.ino === other.ino

/** The same file, and nothing was written to it or changed about it in between. */
const isSameState = (one: BigIntStats, other: BigIntStats): boolean =>
  isSameFile(one, other) &&
  one.size === other.size &&
  one.mtimeNs === other.mtimeNs &&
  one.ctimeNs === other.ctimeNs
