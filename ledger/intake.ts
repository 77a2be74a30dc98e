/**
 * Takes sealed batches from the outbox. The outbox delivers at least once, the log answers the same bytes with their old
 * index: together each batch is in the log exactly once.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ProofError } from '../proofs/errors.js'
import { MAX_BATCH } from '../proofs/seal.js'
import { decodeEntryBundle } from '../proofs/tile.js'
import { privateFolder, writePrivateFile } from '../runtime/data-folder.js'
import { messageOf } from '../runtime/errors.js'
import type { Logger } from '../runtime/log.js'
import type { Consumer, OutboxItem, Topic } from '../runtime/outbox.js'
import { admit } from './admission.js'
import type { Unit } from './admission.js'
import { LedgerError } from './errors.js'
import type { Log } from './log.js'
import { WaitingBatches } from './waiting-batches.js'

/** Refused items that are kept to be looked at; further ones are only logged and counted. */
const MAX_KEPT = 1_000

export interface IntakeOptions {
  readonly topic: Topic
  /** `<data>/ledger`. */
  readonly folder: string
  readonly log: Logger
  /** Told of every item that will never be in the log. */
  readonly onRefused?: (code: string, message: string) => Promise<void>
}

export class Intake {
  readonly #target: Log
  readonly #options: IntakeOptions
  readonly #consumer: Consumer
  readonly #waiting: WaitingBatches
  #turn: Promise<void> = Promise.resolve()
  #waits = 0
  #refused = 0

  constructor(target: Log, options: IntakeOptions) {
    this.#target = target
    this.#options = options
    this.#waiting = new WaitingBatches(options.folder)
    this.#resume()
    target.keys.onChange(() => {
      if (this.#waits > 0) this.#resume()
    })
    this.#consumer = options.topic.consume('ledger', (items) => this.#take(items))
  }

  /** Items refused since the start. */
  get refused(): number {
    return this.#refused
  }

  /** Batches that wait for their key to be registered. */
  get waiting(): number {
    return this.#waits
  }

  /** Takes in what waited for a key, in the order of the outbox. */
  #resume(): void {
    this.#turn = this.#turn
      .then(() => this.#takeWaiting())
      .catch((error: unknown) =>
        this.#options.log.error({ err: messageOf(error) }, 'batches that waited for a key wait on'),
      )
  }

  /** Resolves once everything that is in the outbox now is in the log. */
  drained(): Promise<void> {
    return this.#consumer.drained()
  }

  async stop(): Promise<void> {
    await this.#consumer.stop()
    await this.#turn
  }

  async #take(items: readonly OutboxItem[]): Promise<void> {
    // What waited is older.
    await this.#turn
    const appending: Promise<unknown>[] = []
    const { directory } = this.#target.keys
    for (const item of items) {
      try {
        // Not awaited here, so that all items of the batch share one sync.
        const appended = this.#target.append(await this.#admit(item.bytes))
        appending.push(appended.catch((error: unknown) => this.#refuse(item, error)))
      } catch (error) {
        appending.push(this.#putAside(item, error))
      }
    }
    await Promise.all(appending)
    if (this.#waits > 0 && directory !== this.#target.keys.directory) this.#resume()
  }

  #admit(item: Uint8Array): Promise<readonly Unit[]> {
    return admit(decodeEntryBundle(item, MAX_BATCH + 1), this.#target.keys)
  }

  /** A batch whose key is not registered yet waits for it, so that it does not keep the others from the log. */
  async #putAside(item: OutboxItem, error: unknown): Promise<void> {
    if (!isUnknownKey(error) || !(await this.#waiting.put(item))) return this.#refuse(item, error)
    this.#waits++
    this.#options.log.warn(
      { err: error.message, seq: item.seq },
      'a batch waits for its key to be registered',
    )
  }

  async #takeWaiting(): Promise<void> {
    const waiting = await this.#waiting.list()
    this.#waits = waiting.length
    for (const seq of waiting) {
      const item = await this.#waiting.read(seq)
      try {
        await this.#target.append(await this.#admit(item.bytes))
      } catch (error) {
        if (isUnknownKey(error)) continue
        await this.#refuse(item, error)
      }
      await this.#waiting.remove(seq)
      this.#waits--
    }
  }

  /** Keeps an item that can never be appended; any other failure makes the whole batch come again. */
  async #refuse(item: OutboxItem, error: unknown): Promise<void> {
    if (!isVerdictOnContent(error)) throw error
    this.#refused++
    const file = await this.#keep(item)
    const { code, message } = error
    this.#options.log.error(
      { code, err: message, seq: item.seq, file },
      'a batch is refused: it is not in the ledger',
    )
    await this.#options.onRefused?.(code, message)
  }

  async #keep(item: OutboxItem): Promise<string | undefined> {
    const folder = await privateFolder(this.#options.folder, 'refused')
    if ((await readdir(folder)).length >= MAX_KEPT) return undefined
    const file = join(folder, `${item.seq}.entries`)
    await writePrivateFile(file, item.bytes)
    return file
  }
}

function isUnknownKey(error: unknown): error is ProofError {
  return error instanceof ProofError && error.code === 'UNKNOWN_KEY'
}

function isVerdictOnContent(error: unknown): error is ProofError | LedgerError {
  if (error instanceof ProofError) return true
  if (!(error instanceof LedgerError)) return false
  return ['ID_CONFLICT', 'NOT_A_PARTICIPANT', 'TOO_LARGE', 'UNSEALED'].includes(error.code)
}
