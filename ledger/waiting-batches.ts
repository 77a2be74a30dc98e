/** Batches out of the outbox whose key is not registered yet, one file each, in the order of the outbox. */
import { readdir, readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { privateFolder, writePrivateFile } from '../runtime/data-folder.js'
import { codeOf } from '../runtime/errors.js'
import type { OutboxItem } from '../runtime/outbox.js'

/** Batches that may wait; a further one is refused. */
const MAX_WAITING = 1_000
const FILE = /^(\d{16})\.entries$/

export class WaitingBatches {
  readonly #folder: string

  /** @param folder `<data>/ledger` */
  constructor(folder: string) {
    this.#folder = join(folder, 'waiting')
  }

  /** False when so many wait that this one cannot. */
  async put({ seq, bytes }: OutboxItem): Promise<boolean> {
    await privateFolder(this.#folder)
    if ((await this.#files()).length >= MAX_WAITING) return false
    await writePrivateFile(this.#path(seq), bytes)
    return true
  }

  /** Numbers of the batches that wait, the oldest first. */
  async list(): Promise<readonly number[]> {
    return (await this.#files()).map((name) => Number(FILE.exec(name)?.[1]))
  }

  async read(seq: number): Promise<OutboxItem> {
    return { seq, bytes: await readFile(this.#path(seq)) }
  }

  async remove(seq: number): Promise<void> {
    await unlink(this.#path(seq))
  }

  #path(seq: number): string {
    return join(this.#folder, `${String(seq).padStart(16, '0')}.entries`)
  }

  async #files(): Promise<readonly string[]> {
    try {
      return (await readdir(this.#folder)).filter((name) => FILE.test(name)).sort()
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return []
      throw error
    }
  }
}
