import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { open, type Database, type RootDatabase } from 'lmdb'
import type { ScannerCommand } from '../../runtime/commands.js'
import { privateFolderSync } from '../../runtime/data-folder.js'
import { messageOf } from '../../runtime/errors.js'
import { lmdbWrite } from '../../runtime/lmdb-cause.js'
import { checkLmdbFile } from '../../runtime/lmdb-file.js'
import { ScanError } from '../errors.js'
import { isRunning, ownMark } from '../process-mark.js'
import { MOST_BLOCKED, type BlockedHashes, type BlockedLevel } from './blocked-hash.js'
import type { PersonsAct } from '../record.js'
import type { Outcome } from './outcome.js'

/** Commands that are remembered, so that none is carried out twice and each can be revoked. */
const MOST_COMMANDS = 100_000

/** A command that was taken up. `begun`: perhaps carried out; `done`: its outcome is to be told; `told`: nothing is left. */
export interface TakenUp {
  readonly state: 'begun' | 'done' | 'told'
  readonly by: string
  readonly outcome?: Outcome
}

/** A command that is begun and not told, and the process that has it in hand. */
interface Unfinished {
  readonly command: ScannerCommand
  readonly process: string
}

/** What a person does to an item of the vault, and the process that does it. */
interface BegunAct {
  readonly act: PersonsAct
  readonly process: string
}

/** A digest that is blocked. */
export interface BlockedHash {
  readonly level: BlockedLevel
  readonly by: string
  /** The command that asked for it last. */
  readonly command: string
  readonly incident?: string
  /** Milliseconds since the Unix epoch. */
  readonly since: number
  /** Milliseconds since the Unix epoch; absent: until it is unblocked. */
  readonly expires?: number
}

/**
 * What was asked of the scanner, and the digests that are blocked, in `<data>/scanner/response`. Daemon and commands open it
 * at the same time. Each change is durable when its promise resolves.
 */
export class ResponseStore {
  private constructor(
    readonly root: RootDatabase,
    readonly commands: Database<TakenUp, string>,
    readonly unfinished: Database<Unfinished, string>,
    readonly acts: Database<BegunAct, string>,
    readonly hashes: Database<BlockedHash, string>,
    readonly state: Database<number, string>,
  ) {}

  /** @param folder `<data>/scanner` @throws RuntimeError `OUTBOX_OPEN` for a file that is no store */
  static open(folder: string): ResponseStore {
    const path = privateFolderSync(folder, 'response')
    checkLmdbFile(join(path, 'data.mdb'))
    const root = open({ path, noSubdir: false, overlappingSync: false, maxDbs: 5 })
    return new ResponseStore(
      root,
      root.openDB({ name: 'commands', encoding: 'json' }),
      root.openDB({ name: 'unfinished', encoding: 'json' }),
      root.openDB({ name: 'acts', encoding: 'json' }),
      root.openDB({ name: 'hashes', encoding: 'json' }),
      root.openDB({ name: 'state', encoding: 'json' }),
    )
  }

  /** The store of a scanner that has one; nothing is made. */
  static existing(folder: string): ResponseStore | undefined {
    return existsSync(join(folder, 'response', 'data.mdb')) ? ResponseStore.open(folder) : undefined
  }

  /** The digests that are blocked in a data folder; none where nothing ever was. */
  static async blockedIn(folder: string, now: number): Promise<BlockedHashes> {
    const store = ResponseStore.existing(folder)
    const blocked = store?.blocked(now) ?? new Map<string, BlockedLevel>()
    await store?.close()
    return blocked
  }

  takenUp(id: string): TakenUp | undefined {
    this.commands.resetReadTxn()
    return this.commands.get(id)
  }

  /** A command is begun by this process. */
  async begin(command: ScannerCommand): Promise<void> {
    const { id, by } = command
    await this.#write(() => {
      this.unfinished.putSync(id, { command, process: ownMark() })
      if (!this.commands.get(id)) this.#remember(id, { state: 'begun', by })
    })
  }

  /** Takes in hand, for this process, what others began that are gone; no two get the same. */
  async takeOver(): Promise<readonly ScannerCommand[]> {
    return (await this.#takeOver(this.unfinished)).map(([, { command }]) => command)
  }

  /** A person's act on an item of the vault is begun by this process. */
  async beginAct(item: string, act: PersonsAct): Promise<void> {
    await this.#write(() => this.acts.putSync(item, { act, process: ownMark() }))
  }

  async endAct(item: string): Promise<void> {
    await this.#write(() => this.acts.removeSync(item))
  }

  /** As `takeOver`, of persons' acts by item. */
  async takeOverActs(): Promise<readonly (readonly [item: string, PersonsAct])[]> {
    return (await this.#takeOver(this.acts)).map(([item, { act }]) => [item, act])
  }

  /** Remembers how far a command is, and forgets the oldest beyond the limit (ids sort by time). */
  async put(id: string, takenUp: TakenUp): Promise<void> {
    await this.#write(() => {
      if (takenUp.state === 'told') this.unfinished.removeSync(id)
      this.#remember(id, takenUp)
    })
  }

  /** Grows with each change of the blocked digests. */
  get revision(): number {
    this.state.resetReadTxn()
    return this.state.get('revision') ?? 0
  }

  blocked(now: number): BlockedHashes {
    return new Map(this.list(now).map(([sha256, { level }]) => [sha256, level]))
  }

  list(now: number): (readonly [sha256: string, BlockedHash])[] {
    this.hashes.resetReadTxn()
    return [...this.hashes.getRange()].flatMap(({ key, value }) =>
      (value.expires ?? Infinity) > now ? [[key, value] as const] : [],
    )
  }

  /**
   * Blocks a digest. What a person has blocked stays as it is when somebody else asks for it.
   * @throws ScanError `RESPONSE_FULL`
   */
  async block(sha256: string, entry: BlockedHash): Promise<BlockedHash> {
    return this.#change(() => {
      const before = this.hashes.get(sha256)
      if (before?.level === 'malicious' && entry.level !== 'malicious') return before
      if (!before && this.hashes.getCount() >= MOST_BLOCKED)
        throw new ScanError('RESPONSE_FULL', `${MOST_BLOCKED} digests are blocked already`)
      this.hashes.putSync(sha256, entry)
      return entry
    })
  }

  /** @param command only what this command has blocked @returns what was blocked until now */
  async unblock(sha256: string, command?: string): Promise<BlockedHash | undefined> {
    return this.#change(() => {
      const before = this.hashes.get(sha256)
      if (!before || (command !== undefined && before.command !== command)) return undefined
      this.hashes.removeSync(sha256)
      return before
    })
  }

  /** Digests whose time is over, the oldest block first. */
  expired(now: number): (readonly [sha256: string, BlockedHash])[] {
    this.hashes.resetReadTxn()
    return [...this.hashes.getRange()]
      .filter(({ value }) => (value.expires ?? Infinity) <= now)
      .map(({ key, value }) => [key, value])
  }

  async close(): Promise<void> {
    await this.root.close()
  }

  async #takeOver<T extends { readonly process: string }>(
    from: Database<T, string>,
  ): Promise<readonly (readonly [key: string, T])[]> {
    from.resetReadTxn()
    const left = [...from.getRange()].filter(({ value }) => !isRunning(value.process))
    if (left.length === 0) return []
    return this.#write(() =>
      left.flatMap(({ key, value }) => {
        if (from.get(key)?.process !== value.process) return []
        from.putSync(key, { ...value, process: ownMark() })
        return [[key, value] as const]
      }),
    )
  }

  #remember(id: string, takenUp: TakenUp): void {
    this.commands.putSync(id, takenUp)
    const over = this.commands.getCount() - MOST_COMMANDS
    if (over > 0)
      for (const oldest of this.commands.getKeys({ limit: over })) this.commands.removeSync(oldest)
  }

  #change<Result>(change: () => Result): Promise<Result> {
    return this.#write(() => {
      const result = change()
      this.state.putSync('revision', (this.state.get('revision') ?? 0) + 1)
      return result
    })
  }

  /** A child transaction, because only it is undone when something in it is thrown. */
  async #write<Result>(change: () => Result): Promise<Result> {
    try {
      return await lmdbWrite(this.root.childTransaction(change))
    } catch (cause) {
      if (cause instanceof ScanError) throw cause
      throw new ScanError('RESPONSE_STORE', `cannot remember what is done: ${messageOf(cause)}`, { cause })
    }
  }
}
