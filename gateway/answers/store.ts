import { chmodSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Database, RootDatabase } from 'lmdb'
import { open } from 'lmdb'

import { privateFolderSync } from '../../runtime/data-folder.js'
import { messageOf } from '../../runtime/errors.js'
import type { CommandEvent } from '../../runtime/events.js'
import { lmdbWrite } from '../../runtime/lmdb-cause.js'
import { checkLmdbFile } from '../../runtime/lmdb-file.js'
import { GatewayError } from '../errors.js'
import type { Answer } from './answer.js'

/** Commands whose outcome is remembered, so that one that comes again is known; far more than wait in the outbox. */
const MAX_KNOWN = 50_000

const folderOf = (dataDir: string): string => join(dataDir, 'gateway', 'answers')

/**
 * Answers on disk. What holds, which commands were dealt with, and what has not been told yet change in one transaction, so
 * a crash neither forgets an answer nor carries a command out twice nor leaves its outcome untold.
 */
export class AnswerStore {
  readonly #root: RootDatabase
  readonly #answers: Database<Answer, string>
  readonly #known: Database<string, string>
  readonly #untold: Database<CommandEvent, string>
  /** What holds, by command: the same as on disk, which is read once. */
  #held: Map<string, Answer>

  private constructor(root: RootDatabase) {
    this.#root = root
    this.#answers = root.openDB({ name: 'answers', encoding: 'json' })
    this.#known = root.openDB({ name: 'known', encoding: 'json' })
    this.#untold = root.openDB({ name: 'untold', encoding: 'json' })
    this.#held = this.#read()
  }

  /** @throws GatewayError `GATEWAY_ANSWER_STORE` */
  static open(dataDir: string): AnswerStore {
    const path = privateFolderSync(folderOf(dataDir))
    try {
      checkLmdbFile(join(path, 'data.mdb'))
      const root = open({
        path,
        noSubdir: false,
        overlappingSync: false,
        eventTurnBatching: false,
        maxDbs: 4,
      })
      for (const file of ['data.mdb', 'lock.mdb']) chmodSync(join(path, file), 0o600)
      return new AnswerStore(root)
    } catch (error) {
      throw storeError(`cannot open ${path}`, error)
    }
  }

  /** Runs `work` as one durable transaction; what it throws undoes all of it. */
  async transaction<T>(work: () => T): Promise<T> {
    try {
      return await lmdbWrite(this.#root.childTransaction(work))
    } catch (error) {
      this.#held = this.#read()
      throw error
    }
  }

  get(command: string): Answer | undefined {
    return this.#held.get(command)
  }

  list(): readonly Answer[] {
    return [...this.#held.values()]
  }

  put(answer: Answer): void {
    this.#answers.putSync(answer.command, answer)
    this.#held.set(answer.command, answer)
  }

  remove(command: string): void {
    this.#answers.removeSync(command)
    this.#held.delete(command)
  }

  #read(): Map<string, Answer> {
    return new Map([...this.#answers.getRange({})].map(({ key, value }) => [key, value]))
  }

  knows(command: string): boolean {
    return this.#known.get(command) !== undefined
  }

  /** Remembers what came of a command, or of an answer, until it is told. */
  tell(event: CommandEvent): void {
    this.#known.putSync(event.data.command, event.type)
    this.#untold.putSync(event.id, event)
    const surplus = entryCount(this.#known) - MAX_KNOWN
    if (surplus > 0)
      for (const key of Array.from(this.#known.getKeys({ limit: surplus }))) this.#known.removeSync(key)
  }

  /** In the order in which it came about. */
  untold(): CommandEvent[] {
    return [...this.#untold.getRange({})].map(({ value }) => value)
  }

  told(events: readonly CommandEvent[]): void {
    for (const { id } of events) this.#untold.removeSync(id)
  }

  async close(): Promise<void> {
    await this.#root.close()
  }
}

const entryCount = (db: Database<string, string>): number => {
  const stats: object = db.getStats()
  return 'entryCount' in stats && typeof stats.entryCount === 'number' ? stats.entryCount : db.getKeysCount()
}

const storeError = (what: string, error: unknown): GatewayError =>
  new GatewayError('GATEWAY_ANSWER_STORE', `${what}: ${messageOf(error)}`, { cause: error })

/**
 * Reads the answers of a data folder; the gateway may be running. Nothing is written.
 *
 * @throws GatewayError `GATEWAY_ANSWER_STORE`
 */
export const readAnswers = async (dataDir: string): Promise<Answer[]> => {
  const path = folderOf(dataDir)
  if (!existsSync(join(path, 'data.mdb'))) return []
  let root: RootDatabase | undefined
  try {
    checkLmdbFile(join(path, 'data.mdb'))
    root = open({ path, noSubdir: false, readOnly: true, maxDbs: 4 })
    const answers = root.openDB<Answer, string>({ name: 'answers', encoding: 'json' })
    return [...answers.getRange({})].map(({ value }) => value)
  } catch (error) {
    throw storeError(`cannot read ${path}`, error)
  } finally {
    await root?.close()
  }
}
