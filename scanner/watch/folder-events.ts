import { readFileSync, watch, type FSWatcher } from 'node:fs'
import { codeOf, messageOf } from '../../runtime/errors.js'
import type { Folder } from './survey-protocol.js'

const SLASH = 0x2f
/** What the kernel keeps unread at most when it does not say (inotify(7), max_queued_events). */
const DEFAULT_QUEUE = 16_384

interface Watched {
  readonly identity: string
  /** The last walk over everything, or change, that met it. */
  round: number
  readonly watcher: FSWatcher
}

/**
 * Tells when something changes in folders, by events of the system (inotify on Linux), each folder for itself. Node does not
 * tell when the kernel's queue was full and events are lost; but then a whole queue of them comes at once, which is taken
 * for a loss.
 */
export class FolderEvents {
  readonly #watched = new Map<string, Watched>()
  readonly #queue = queueLength()
  #burst = 0
  #round = 0
  #problem: string | undefined
  #problemOfRound: string | undefined

  constructor(
    /** Something of this path was made, written, renamed or removed. */
    readonly onChange: (path: Buffer) => void,
    /** Events may have been lost: everything has to be looked at. */
    readonly onLost: () => void,
  ) {}

  /** Folders that are watched. */
  get size(): number {
    return this.#watched.size
  }

  /** Why not all folders are watched; undefined when they are. */
  get problem(): string | undefined {
    return this.#problem
  }

  /**
   * Watches a folder.
   * @returns whether it was not watched before: what has happened in it until now is not known
   */
  add({ path, identity, isSilent = false }: Folder): boolean {
    const folder = Buffer.from(path)
    const name = folder.toString('latin1')
    if (isSilent)
      this.#fail(`${folder.toString()} lies on a file system that does not tell what other machines change`)
    const known = this.#watched.get(name)
    if (known?.identity === identity) {
      known.round = this.#round
      return false
    }
    known?.watcher.close()
    this.#watched.delete(name)
    try {
      this.#watched.set(name, { identity, round: this.#round, watcher: this.#watch(folder, name) })
      return true
    } catch (error) {
      const code = codeOf(error)
      // One that is gone again is nobody's loss.
      if (code !== 'ENOENT' && code !== 'ENOTDIR') this.#fail(explain(code ?? messageOf(error)))
      return false
    }
  }

  /** Begins a walk over everything, which tries again what failed. */
  beginRound(): void {
    this.#round++
    this.#problemOfRound = undefined
  }

  /** Ends it: folders that were not met are let go. */
  endRound(): void {
    this.#problem = this.#problemOfRound
    for (const [name, { watcher, round }] of this.#watched)
      if (round < this.#round) {
        watcher.close()
        this.#watched.delete(name)
      }
  }

  close(): void {
    for (const { watcher } of this.#watched.values()) watcher.close()
    this.#watched.clear()
  }

  #fail(problem: string): void {
    this.#problem = problem
    this.#problemOfRound = problem
  }

  #watch(folder: Buffer, name: string): FSWatcher {
    const prefix = folder.at(-1) === SLASH ? folder : Buffer.concat([folder, Buffer.of(SLASH)])
    const watcher = watch(folder, { encoding: 'buffer', persistent: false }, (_, file) => {
      this.#count()
      if (file !== null) this.onChange(Buffer.concat([prefix, file]))
    })
    watcher.on('error', (error) => {
      this.#fail(explain(codeOf(error) ?? messageOf(error)))
      watcher.close()
      this.#watched.delete(name)
      this.onLost()
    })
    return watcher
  }

  /** All that the kernel holds is read in one go, before anything else of the event loop comes to its turn. */
  #count(): void {
    if (this.#burst++ === 0)
      setImmediate(() => {
        if (this.#burst >= this.#queue / 2) this.onLost()
        this.#burst = 0
      })
  }
}

function queueLength(): number {
  try {
    return Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'latin1')) || DEFAULT_QUEUE
  } catch {
    return DEFAULT_QUEUE
  }
}

const explain = (code: string): string =>
  code === 'ENOSPC'
    ? 'there are more folders than the system watches (sysctl fs.inotify.max_user_watches)'
    : code === 'EMFILE'
      ? 'the system has no more watchers to give (sysctl fs.inotify.max_user_instances)'
      : `a folder cannot be watched: ${code}`
