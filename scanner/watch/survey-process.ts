import { lstatSync, readdirSync, statfsSync, type BigIntStats, type Dirent } from 'node:fs'
import { codeOf } from '../../runtime/errors.js'
import { Journal } from '../journal.js'
import type { Folder, SurveyAnswer, SurveyGoOn, SurveyOrder } from './survey-protocol.js'

/**
 * The process that walks the watched folders and looks each file up in the journal. It asks the system one thing after another
 * and waits for each answer, which is several times as fast as asking in the background; and when a mount does not
 * answer, it is this process that hangs and not the daemon.
 */

/** What is told in one message, and how many messages may be on their way. */
const GROUP = 512
const ON_THEIR_WAY = 4
/** Milliseconds after which what was met is told however little it is: somebody watches the progress. */
const GROUP_MS = 200
const SLASH = 0x2f

class Survey {
  readonly #journal: Journal
  #files: Uint8Array[] = []
  #unreadable: { path: Uint8Array; code: string }[] = []
  #folders: Folder[] = []
  #gone: Uint8Array[] = []
  /** By device. */
  readonly #silent = new Map<bigint, boolean>()
  #seen = 0
  #at: Uint8Array = Buffer.alloc(0)
  #told = performance.now()
  #onTheirWay = 0
  #resume: (() => void) | undefined

  constructor(readonly order: SurveyOrder) {
    this.#journal = Journal.read(order.journal, order.version)
  }

  goOn(): void {
    this.#onTheirWay--
    this.#resume?.()
  }

  async run(): Promise<void> {
    for (const start of this.order.starts) await this.#walk(Buffer.from(start))
    if (this.order.prune) await this.#prune()
    await this.#tell()
    send({ type: 'done' })
  }

  async #walk(start: Buffer): Promise<void> {
    const first = this.#look(start)
    if (!first) return
    if (first.isFile()) this.#file(start, first)
    else if (!first.isDirectory())
      this.#unreadable.push({ path: start, code: first.isSymbolicLink() ? 'ELOOP' : 'ENOTDIR' })
    else {
      this.#folder(start, first)
      const pending = [start]
      for (let folder = pending.pop(); folder; folder = pending.pop()) await this.#list(folder, pending)
    }
  }

  async #list(folder: Buffer, pending: Buffer[]): Promise<void> {
    this.#at = folder
    let entries: Dirent<Buffer>[]
    try {
      entries = readdirSync(folder, { withFileTypes: true, encoding: 'buffer' })
    } catch (error) {
      this.#fail(folder, error)
      return
    }
    const prefix = folder.at(-1) === SLASH ? folder : Buffer.concat([folder, Buffer.of(SLASH)])
    for (const entry of entries) {
      if (!entry.isFile() && !entry.isDirectory() && isKindKnown(entry)) continue
      const path = Buffer.concat([prefix, entry.name])
      const stat = this.#look(path)
      if (stat?.isFile()) this.#file(path, stat)
      else if (stat?.isDirectory() && !path.equals(this.order.except)) {
        this.#folder(path, stat)
        pending.push(path)
      }
      if (this.#isFull()) await this.#tell()
    }
    if (performance.now() - this.#told > GROUP_MS) await this.#tell()
  }

  #look(path: Buffer): BigIntStats | undefined {
    try {
      return lstatSync(path, { bigint: true })
    } catch (error) {
      this.#fail(path, error)
      return undefined
    }
  }

  #file(path: Buffer, stat: BigIntStats): void {
    this.#seen++
    if (this.order.all || !this.#journal.knows(path, stat)) this.#files.push(path)
  }

  #folder(path: Buffer, { dev, ino }: BigIntStats): void {
    this.#folders.push({ path, identity: `${dev}:${ino}`, isSilent: this.#isSilent(path, dev) })
  }

  #isSilent(path: Buffer, dev: bigint): boolean {
    let silent = this.#silent.get(dev)
    if (silent === undefined) {
      silent = isOfNetwork(path)
      this.#silent.set(dev, silent)
    }
    return silent
  }

  #fail(path: Buffer, error: unknown): void {
    this.#unreadable.push({ path, code: codeOf(error) ?? 'UNKNOWN' })
  }

  async #prune(): Promise<void> {
    for (const path of this.#journal.paths()) {
      this.#at = path
      try {
        lstatSync(path)
      } catch (error) {
        const code = codeOf(error)
        if (code === 'ENOENT' || code === 'ENOTDIR') this.#gone.push(path)
      }
      if (this.#gone.length >= GROUP) await this.#tell()
    }
  }

  #isFull(): boolean {
    return this.#files.length + this.#unreadable.length + this.#folders.length >= GROUP
  }

  /** Tells what was met, and waits while the daemon has enough to do. */
  async #tell(): Promise<void> {
    send({
      type: 'met',
      files: this.#files,
      unreadable: this.#unreadable,
      folders: this.#folders,
      gone: this.#gone,
      seen: this.#seen,
      at: this.#at,
    })
    this.#files = []
    this.#unreadable = []
    this.#folders = []
    this.#gone = []
    this.#told = performance.now()
    this.#onTheirWay++
    while (this.#onTheirWay >= ON_THEIR_WAY)
      await new Promise<void>((resolve) => {
        this.#resume = resolve
      })
  }
}

/** NFS, SMB (three of them), FUSE, 9P, Ceph, AFS: linux/magic.h. */
const NETWORK = new Set([
  0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x65735546, 0x01021997, 0x00c36400, 0x5346414f,
])

function isOfNetwork(path: Buffer): boolean {
  try {
    return NETWORK.has(statfsSync(path).type)
  } catch {
    return false
  }
}

/** Some file systems do not say what an entry is; then it is looked at. */
const isKindKnown = (entry: Dirent<Buffer>): boolean =>
  entry.isSymbolicLink() ||
  entry.isFIFO() ||
  entry.isSocket() ||
  entry.isCharacterDevice() ||
  entry.isBlockDevice()

const send = (message: SurveyAnswer): void => {
  process.send?.(message)
}

let survey: Survey | undefined
process.on('message', (message: SurveyOrder | SurveyGoOn) => {
  if (message.type === 'go on') {
    survey?.goOn()
    return
  }
  survey = new Survey(message)
  survey.run().catch((error: unknown) => {
    // The daemon sees the process end without `done`.
    process.stderr.write(`${String(error)}\n`)
    process.kill(process.pid, 'SIGKILL')
  })
})
process.on('SIGINT', () => undefined)
// Nothing here has to be finished, and the end of a process that has a store open may wait for ever.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
