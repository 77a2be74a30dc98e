import { randomUUID } from 'node:crypto'
import { closeSync, constants, openSync, readSync, unlinkSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * A number that a worker process writes and the pool reads after the process is gone: how much work it had begun. Answers
 * travel in groups, so the pool could not tell otherwise at which file a killed process was. It is a file without a name,
 * since one `pwrite` costs a microsecond and a message fifty.
 */
export class ProgressMark {
  readonly #value = Buffer.alloc(4)

  private constructor(readonly descriptor: number) {}

  static create(): ProgressMark {
    const path = join(tmpdir(), `portcullis-${randomUUID()}`)
    const descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600)
    unlinkSync(path)
    const mark = new ProgressMark(descriptor)
    mark.write(0)
    return mark
  }

  /** The same mark in the process that inherited its descriptor. */
  static inherited(descriptor: number): ProgressMark {
    return new ProgressMark(descriptor)
  }

  write(begun: number): void {
    this.#value.writeUInt32LE(begun % 2 ** 32)
    writeSync(this.descriptor, this.#value, 0, 4, 0)
  }

  read(): number {
    readSync(this.descriptor, this.#value, 0, 4, 0)
    return this.#value.readUInt32LE()
  }

  close(): void {
    closeSync(this.descriptor)
  }
}
