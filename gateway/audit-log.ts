import { constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { open } from 'node:fs/promises'

import { codeOf, messageOf } from '../runtime/errors.js'

/** Lines that wait at most this long for the ones behind them. */
const FLUSH_MS = 10
const RETRY_MS = 1000
/** Lines held while the disk fails; what comes after that is counted as lost. */
const MAX_HELD_BYTES = 64 * 1024 * 1024
/** Bytes written at once, so that what a slow disk left waiting does not hold up the event loop. */
const MAX_WRITE_BYTES = 1024 * 1024
/** Bytes after which lines are synced although more wait. */
const MAX_UNSYNCED_BYTES = 16 * MAX_WRITE_BYTES

export interface AuditLogEvents {
  /** Lines cannot be written; called once per outage. */
  onFailure(error: unknown): void
  onRecovery(): void
  /** Lines that no longer fit in memory during an outage. */
  onLost(lines: number): void
}

/** File systems and devices that cannot sync say one of these. */
const CANNOT_SYNC: ReadonlySet<string> = new Set(['EINVAL', 'ENOTSUP', 'EROFS'])

/**
 * The audit log: one writer, lines in the order of `write`, in batches, synced. While the disk fails, lines wait in memory
 * up to a bound and are written when it is back; `healthy` is false meanwhile.
 */
export class AuditLog {
  readonly path: string
  readonly #events: AuditLogEvents
  #handle: FileHandle | undefined
  #waiting: string[] = []
  #waitingBytes = 0
  #running: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #failed = false
  #reopen = false
  #closed = false

  private constructor(path: string, handle: FileHandle, events: AuditLogEvents) {
    this.path = path
    this.#handle = handle
    this.#events = events
  }

  /** Opens the file for appending, mode 0600 when it is new. Rejects with what the file system says. */
  static async open(path: string, events: AuditLogEvents): Promise<AuditLog> {
    return new AuditLog(path, await openForAppend(path), events)
  }

  get healthy(): boolean {
    return !this.#failed
  }

  write(line: string): void {
    const bytes = line.length + 1
    if (this.#closed || this.#waitingBytes + bytes > MAX_HELD_BYTES) {
      this.#events.onLost(1)
      return
    }
    this.#waiting.push(line)
    this.#waitingBytes += bytes
    this.#schedule(FLUSH_MS)
  }

  /** Takes the file anew, after it was moved away by whoever rotates it. */
  reopen(): void {
    this.#reopen = true
    this.#schedule(0)
  }

  /** Resolves when all that was written before is on disk, or cannot be. */
  async flush(): Promise<void> {
    await this.#running
    if (this.#waiting.length > 0 || this.#reopen) await this.#run()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    await this.flush()
    this.#closed = true
    clearTimeout(this.#timer)
    if (this.#waiting.length > 0) this.#events.onLost(this.#waiting.length)
    await this.#handle?.close().catch(() => undefined)
    this.#handle = undefined
  }

  #schedule(delayMs: number): void {
    if (this.#timer !== undefined || this.#running !== undefined || this.#closed) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      void this.#run()
    }, delayMs)
  }

  #run(): Promise<void> {
    this.#running ??= this.#drain().finally(() => {
      this.#running = undefined
      if (this.#waiting.length > 0 || this.#reopen) this.#schedule(this.#failed ? RETRY_MS : FLUSH_MS)
    })
    return this.#running
  }

  async #drain(): Promise<void> {
    let unsynced = 0
    clearTimeout(this.#timer)
    this.#timer = undefined
    try {
      if (this.#reopen || this.#handle === undefined) await this.#takeFile()
      while (this.#waiting.length > 0) {
        unsynced += await this.#writeBatch()
        if (this.#waiting.length > 0 && unsynced < MAX_UNSYNCED_BYTES) continue
        await this.#sync()
        unsynced = 0
      }
      if (this.#failed) {
        this.#failed = false
        this.#events.onRecovery()
      }
    } catch (error) {
      // A handle that failed is not trusted again; lines that waited still wait.
      await this.#handle?.close().catch(() => undefined)
      this.#handle = undefined
      if (!this.#failed) {
        this.#failed = true
        this.#events.onFailure(error)
      }
    }
  }

  async #takeFile(): Promise<void> {
    const fresh = await openForAppend(this.path)
    await this.#handle?.close().catch(() => undefined)
    this.#handle = fresh
    this.#reopen = false
  }

  /** Returns how many bytes were written. */
  async #writeBatch(): Promise<number> {
    const handle = this.#handle
    if (handle === undefined) throw new Error(`${this.path} is not open`)
    const { batch, bytes } = this.#nextBatch()
    this.#waitingBytes -= bytes
    const text = Buffer.from(`${batch.join('\n')}\n`)
    let written = 0
    try {
      while (written < text.length)
        written += (await handle.write(text, written, text.length - written)).bytesWritten
    } catch (error) {
      // What reached the file is not written twice; a line that was cut is written again, whole, on a line of its own.
      const whole = text.subarray(0, written).reduce((lines, byte) => lines + (byte === 0x0a ? 1 : 0), 0)
      const rest = batch.slice(whole)
      const cutLine = written > 0 && text[written - 1] !== 0x0a
      this.#waiting = [...(cutLine ? [''] : []), ...rest, ...this.#waiting]
      this.#waitingBytes = this.#waiting.reduce((sum, line) => sum + line.length + 1, 0)
      throw error
    }
    return text.length
  }

  /** Takes the next lines from those that wait, at least one. */
  #nextBatch(): { readonly batch: readonly string[]; readonly bytes: number } {
    let bytes = 0
    let count = 0
    for (const line of this.#waiting) {
      bytes += line.length + 1
      count++
      if (bytes >= MAX_WRITE_BYTES) break
    }
    const batch = this.#waiting.slice(0, count)
    this.#waiting = this.#waiting.slice(count)
    return { batch, bytes }
  }

  async #sync(): Promise<void> {
    try {
      await this.#handle?.datasync()
    } catch (error) {
      if (!CANNOT_SYNC.has(codeOf(error) ?? '')) throw error
    }
  }
}

const openForAppend = (path: string): Promise<FileHandle> =>
  open(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT, 0o600)

/** What an operator reads about a failed audit log. */
export const auditFailure = (path: string, error: unknown): string =>
  `the audit log ${path} cannot be written: ${messageOf(error)}`
