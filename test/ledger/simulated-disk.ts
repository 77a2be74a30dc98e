/**
 * A disk that keeps exactly what was synced and, of the rest, whatever the dice say: whole writes, single sectors of
 * them, or nothing, in any order. It is not a test double of our code but of the hardware under it.
 */
import { basename, dirname } from 'node:path'
import type { Disk, DiskFile } from '../../ledger/disk.js'

const SECTOR = 512

type FileOp =
  | { readonly kind: 'write'; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly size: number }

interface Inode {
  /** What reads see. */
  current: Buffer
  /** What is on the platter. */
  durable: Buffer
  pending: FileOp[]
}

interface Directory {
  current: Map<string, Inode>
  durable: Map<string, Inode>
  pending: (readonly (readonly [name: string, inode: Inode | undefined])[])[]
}

/** Thrown by every call once the power is off. */
export class PowerLoss extends Error {
  override readonly name = 'PowerLoss'
}

/** How much of what was not synced survives a crash. */
export type Survival = 'nothing' | 'some' | 'everything'

export class SimulatedDisk implements Disk {
  /** Calls that changed something so far. */
  operations = 0
  syncs = 0
  #directories = new Map<string, Directory>()
  #crashAt = Infinity
  #off = false
  readonly #syncFailures = new Map<number, 'lost' | 'persisted'>()

  /** Cuts the power at the n-th changing call from now (1 is the next); that call itself may half happen. */
  crashAt(call: number): void {
    this.#crashAt = this.operations + call
  }

  /** Makes the n-th sync of a file from now fail with EIO, with its data on the platter or not. */
  failSync(call: number, data: 'lost' | 'persisted'): void {
    this.#syncFailures.set(this.syncs + call, data)
  }

  /** The disk as a machine finds it after the power came back. */
  restart(random: () => number, survival: Survival): SimulatedDisk {
    this.#off = true
    const next = new SimulatedDisk()
    const inodes = new Map<Inode, Inode>()
    const survivor = (inode: Inode): Inode => {
      const known = inodes.get(inode)
      if (known !== undefined) return known
      const bytes = settle(inode, random, survival)
      const made: Inode = { current: bytes, durable: Buffer.from(bytes), pending: [] }
      inodes.set(inode, made)
      return made
    }
    for (const [path, directory] of this.#directories) {
      const names = new Map(directory.durable)
      for (const change of directory.pending) {
        if (!survives(random, survival)) continue
        for (const [name, inode] of change) setName(names, name, inode)
      }
      const kept = new Map([...names].map(([name, inode]) => [name, survivor(inode)] as const))
      next.#directories.set(path, { current: kept, durable: new Map(kept), pending: [] })
    }
    return next
  }

  /** Flips one bit of what is on the platter. */
  flip(path: string, offset: number, bit: number): void {
    const inode = this.#find(path)
    for (const bytes of [inode.current, inode.durable]) bytes[offset] = (bytes[offset] ?? 0) ^ (1 << bit)
  }

  sizeOf(path: string): number {
    return this.#find(path).current.length
  }

  async open(path: string): Promise<DiskFile> {
    this.#check()
    return this.#handle(this.#find(path))
  }

  async create(path: string): Promise<DiskFile> {
    const directory = this.#directory(dirname(path))
    if (directory.current.has(basename(path))) throw systemError('EEXIST', path)
    const inode: Inode = { current: Buffer.alloc(0), durable: Buffer.alloc(0), pending: [] }
    this.#change(() => this.#rename(directory, [[basename(path), inode]]))
    return this.#handle(inode)
  }

  async list(directory: string): Promise<readonly string[]> {
    this.#check()
    return [...this.#directory(directory).current.keys()].sort()
  }

  async makeDirectory(path: string): Promise<void> {
    this.#check()
    if (!this.#directories.has(path)) {
      this.#directories.set(path, { current: new Map(), durable: new Map(), pending: [] })
    }
  }

  async rename(from: string, to: string): Promise<void> {
    const directory = this.#directory(dirname(from))
    if (dirname(to) !== dirname(from)) throw systemError('EXDEV', to)
    const inode = this.#find(from)
    this.#change(() =>
      this.#rename(directory, [
        [basename(from), undefined],
        [basename(to), inode],
      ]),
    )
  }

  async remove(path: string): Promise<void> {
    this.#find(path)
    this.#change(() => this.#rename(this.#directory(dirname(path)), [[basename(path), undefined]]))
  }

  async syncDirectory(path: string): Promise<void> {
    this.#change(() => {
      const directory = this.#directory(path)
      directory.durable = new Map(directory.current)
      directory.pending = []
    }, 'does not')
  }

  #rename(directory: Directory, change: readonly (readonly [string, Inode | undefined])[]): void {
    for (const [name, inode] of change) setName(directory.current, name, inode)
    directory.pending.push(change)
  }

  #handle(inode: Inode): DiskFile {
    return {
      size: async () => {
        this.#check()
        return inode.current.length
      },
      read: async (offset, length) => {
        this.#check()
        return Buffer.from(inode.current.subarray(offset, offset + length))
      },
      write: async (offset, bytes) => {
        this.#change(() => addOp(inode, { kind: 'write', offset, bytes: Uint8Array.from(bytes) }))
      },
      truncate: async (size) => {
        this.#change(() => addOp(inode, { kind: 'truncate', size }))
      },
      sync: async () => {
        this.#change(() => {
          this.syncs++
          const failure = this.#syncFailures.get(this.syncs)
          if (failure !== 'lost') for (const op of inode.pending) inode.durable = applyOp(inode.durable, op)
          // As in a page cache: after a failed sync the pages count as clean, and no later sync brings them.
          inode.pending = []
          if (failure !== undefined) throw systemError('EIO', 'fdatasync')
        }, 'does not')
      },
      close: async () => {},
    }
  }

  /** Runs one change; at the crash point it is left pending (so that it may or may not happen) and the power goes. */
  #change(apply: () => void, unfinished: 'may happen' | 'does not' = 'may happen'): void {
    this.#check()
    this.operations++
    if (this.operations < this.#crashAt) return apply()
    // The call at which the power goes may have begun: what it wrote is as unsynced as what came before it.
    if (unfinished === 'may happen') apply()
    this.#off = true
    throw new PowerLoss(`power lost at call ${this.operations}`)
  }

  #check(): void {
    if (this.#off) throw new PowerLoss('the power is off')
  }

  #directory(path: string): Directory {
    const directory = this.#directories.get(path)
    if (directory === undefined) throw systemError('ENOENT', path)
    return directory
  }

  #find(path: string): Inode {
    const inode = this.#directory(dirname(path)).current.get(basename(path))
    if (inode === undefined) throw systemError('ENOENT', path)
    return inode
  }
}

function addOp(inode: Inode, op: FileOp): void {
  inode.current = applyOp(inode.current, op)
  inode.pending.push(op)
}

function applyOp(bytes: Buffer, op: FileOp): Buffer {
  const size = op.kind === 'truncate' ? op.size : Math.max(bytes.length, op.offset + op.bytes.length)
  const next = Buffer.alloc(size)
  bytes.copy(next, 0, 0, Math.min(size, bytes.length))
  if (op.kind === 'write') next.set(op.bytes, op.offset)
  return next
}

/** What of an inode's unsynced operations reached the platter: any sectors of any of them, in any order. */
function settle(inode: Inode, random: () => number, survival: Survival): Buffer {
  const ops = inode.pending.flatMap(sectors)
  if (survival === 'some') shuffle(ops, random)
  let bytes: Buffer = Buffer.from(inode.durable)
  for (const op of ops) if (survives(random, survival)) bytes = applyOp(bytes, op)
  return bytes
}

function sectors(op: FileOp): FileOp[] {
  if (op.kind === 'truncate') return [op]
  const parts: FileOp[] = []
  let at = 0
  while (at < op.bytes.length) {
    const end = Math.min(op.bytes.length, at + SECTOR - ((op.offset + at) % SECTOR))
    parts.push({ kind: 'write', offset: op.offset + at, bytes: op.bytes.subarray(at, end) })
    at = end
  }
  return parts
}

function survives(random: () => number, survival: Survival): boolean {
  return survival === 'everything' || (survival === 'some' && random() < 0.5)
}

function shuffle<T>(list: T[], random: () => number): void {
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const a = list[i] as T
    list[i] = list[j] as T
    list[j] = a
  }
}

function setName(names: Map<string, Inode>, name: string, inode: Inode | undefined): void {
  if (inode === undefined) names.delete(name)
  else names.set(name, inode)
}

function systemError(code: string, what: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${what}`), { code })
}

/** A seeded generator (mulberry32), so that a failing run can be repeated. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
