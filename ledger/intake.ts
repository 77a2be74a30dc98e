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
import type { Logger } from '../runtime/log.js'
import type { Consumer, OutboxItem, Topic } from '../runtime/outbox.js'
import { admit } from './admission.js'
import { LedgerError } from './errors.js'
import type { Log } from './log.js'

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
  #refused = 0

  constructor(target: Log, options: IntakeOptions) {
    this.#target = target
    this.#options = options
    this.#consumer = options.topic.consume('ledger', (items) => this.#take(items))
  }

  /** Items refused since the start. */
  get refused(): number {
    return this.#refused
  }

  /** Resolves once everything that is in the outbox now is in the log. */
  drained(): Promise<void> {
    return this.#consumer.drained()
  }

  stop(): Promise<void> {
    return this.#consumer.stop()
  }

  async #take(items: readonly OutboxItem[]): Promise<void> {
    const appending: Promise<unknown>[] = []
    for (const item of items) {
      try {
        const units = await admit(decodeEntryBundle(item.bytes, MAX_BATCH + 1), this.#target.agents)
        // Not awaited here, so that all items of the batch share one sync.
        appending.push(this.#target.append(units).catch((error: unknown) => this.#refuse(item, error)))
      } catch (error) {
        appending.push(this.#refuse(item, error))
      }
    }
    await Promise.all(appending)
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

function isVerdictOnContent(error: unknown): error is ProofError | LedgerError {
  if (error instanceof ProofError) return true
  if (!(error instanceof LedgerError)) return false
  return ['ID_CONFLICT', 'NOT_A_PARTICIPANT', 'TOO_LARGE', 'UNSEALED'].includes(error.code)
}
