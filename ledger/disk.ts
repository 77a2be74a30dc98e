/**
 * The one way to durable files. Everything the ledger must not lose goes through this interface, so that tests can put
 * a disk under it that forgets or reorders whatever was not synced. (LMDB keeps its own promise and is not under it.)
 */
import { constants } from 'node:fs'
import { mkdir, open, readdir, rename, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'

/** An open file. Offsets and lengths are bytes. Nothing written is durable before `sync` has resolved. */
export interface DiskFile {
  size(): Promise<number>
  /** Reads up to `length` bytes at `offset`; fewer come back only at the end of the file. */
  read(offset: number, length: number): Promise<Uint8Array>
  /** Writes all of `bytes` at `offset`. */
  write(offset: number, bytes: Uint8Array): Promise<void>
  /** fdatasync: content and size are durable once it resolves; the file's name is not (see `Disk.syncDirectory`). */
  sync(): Promise<void>
  truncate(size: number): Promise<void>
  close(): Promise<void>
}

export interface Disk {
  /** Opens an existing file for reading and writing; rejects with `ENOENT` when there is none. */
  open(path: string): Promise<DiskFile>
  /** Makes a new file (0600); rejects with `EEXIST` when one is there. */
  create(path: string): Promise<DiskFile>
  /** Names in a directory, sorted. */
  list(directory: string): Promise<readonly string[]>
  /** Makes a directory (0700) and its parents; no error when it is there. */
  makeDirectory(path: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  /** Makes names made, changed or removed in a directory durable. */
  syncDirectory(directory: string): Promise<void>
}

class RealFile implements DiskFile {
  readonly #handle: FileHandle

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const buffer = Buffer.allocUnsafe(length)
    let filled = 0
    while (filled < length) {
      const { bytesRead } = await this.#handle.read(buffer, filled, length - filled, offset + filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return buffer.subarray(0, filled)
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    let written = 0
    while (written < bytes.length) {
      const { bytesWritten } = await this.#handle.write(
        bytes,
        written,
        bytes.length - written,
        offset + written,
      )
      written += bytesWritten
    }
  }

  async sync(): Promise<void> {
    await this.#handle.datasync()
  }

  async truncate(size: number): Promise<void> {
    await this.#handle.truncate(size)
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}

/** The operating system's files. */
export const realDisk: Disk = {
  async open(path) {
    return new RealFile(await open(path, constants.O_RDWR | constants.O_NOFOLLOW))
  },
  async create(path) {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
    return new RealFile(await open(path, flags, 0o600))
  },
  async list(directory) {
    return (await readdir(directory)).sort()
  },
  async makeDirectory(path) {
    await mkdir(path, { recursive: true, mode: 0o700 })
  },
  rename,
  remove: unlink,
  async syncDirectory(directory) {
    const handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY)
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  },
}
