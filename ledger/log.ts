/**
 * The log: one writer that gives entries their indexes.
 *
 * Order of every append: durable in the write-ahead log → hashed into the tree → checkpoint recorded by compare-and-swap
 * (in the mirror first, when there is one), durable → signed → published → acknowledged. Two stages run side by side, each taking all that waits (group commit):
 * the write-ahead log's sync, and the recording of the checkpoint.
 */
import { decodeBase64, encodeBase64 } from '../proofs/base64.js'
import { equalBytes } from '../proofs/bytes.js'
import { signCheckpoint, verifyCheckpoint } from '../proofs/checkpoint.js'
import { HASH_SIZE, leafHash } from '../proofs/hashing.js'
import { consistencyProof, inclusionProof, treeRoot } from '../proofs/merkle.js'
import { multiProof } from '../proofs/multi-proof.js'
import { decodeVkey } from '../proofs/note-key.js'
import type { NoteVerifier } from '../proofs/note-key.js'
import { messageOf } from '../runtime/errors.js'
import type { Logger } from '../runtime/log.js'
import type { AdmittedEntry, Unit } from './admission.js'
import type { Disk } from './disk.js'
import { LedgerError } from './errors.js'
import type { Identity } from './identity.js'
import type { IndexStore, RecordedCheckpoint } from './index-store.js'
import type { LogKeys } from './keys/log-keys.js'
import type { Lease } from './lease.js'
import type { SessionRecord, UnitPlace } from './session-index.js'
import { indexedEntry, openedBy } from './indexed-entry.js'
import { openParts } from './log-recovery.js'
import type { Mirror } from './mirror/mirror.js'
import type { OpenMirror } from './mirror/open.js'
import type { TileTree } from './tile-tree.js'
import { TILE_HEIGHT, TILE_WIDTH } from './tile-tree.js'
import { groupBytes } from './wal.js'
import type { WriteAheadLog } from './wal.js'

/** Entries that one checkpoint takes in at most, so that a commit stays short. */
const COMMIT_ENTRIES = 8_192
/** Healthy means that every acknowledged entry older than this is covered by the published checkpoint. */
const MAX_LAG_MS = 5_000

export interface LogOptions {
  /** `<data>/ledger`. */
  readonly folder: string
  readonly disk: Disk
  readonly clock: { now(): number }
  readonly log: Logger
  /** What the origin of a new log starts with. */
  readonly name: string
  /** The origin that the folder must hold; with it an empty folder is refused. */
  readonly origin?: string
  /** The operator's root key, asked for when the log has none yet. Its public half is pinned for ever. */
  readonly root: () => Promise<Pick<NoteVerifier, 'name' | 'publicKey'>>
  readonly segmentBytes?: number
  /** Opens the database that mirrors the log. */
  readonly openMirror?: OpenMirror
  /** Told once when the log can acknowledge nothing any more: the process has to end. */
  readonly onFatal?: (error: LedgerError) => void
}

export interface PublishedCheckpoint {
  readonly size: number
  readonly root: Uint8Array
  /** The signed note. */
  readonly note: Uint8Array
  /** When it was recorded, in milliseconds since the Unix epoch. */
  readonly time: number
}

/** Where an entry went. `fresh` is false when the same bytes were there already. */
export interface Appended {
  readonly index: number
  readonly fresh: boolean
}

/** Where an entry stands or will stand: `position` behind the first entry that was submitted with it. */
interface Place {
  readonly first: number | Promise<number>
  readonly position: number
}

interface InFlight extends Place {
  readonly leaf: Uint8Array
}

interface Durable {
  readonly first: number
  readonly entries: readonly AdmittedEntry[]
  readonly since: number
  readonly resolve: (first: number) => void
  readonly reject: (error: LedgerError) => void
}

/** What `openParts` found and made. */
export interface LogParts {
  readonly identity: Identity
  readonly keys: LogKeys
  readonly store: IndexStore
  readonly lease: Lease
  readonly wal: WriteAheadLog
  readonly tree: TileTree
  readonly recorded: RecordedCheckpoint
  readonly mirror?: Mirror
}

/**
 * Opens the log of a folder: takes the writer's lease, reads the whole write-ahead log, checks it against the recorded
 * checkpoint, and takes in what is not recorded yet. An empty folder becomes a new log, unless an origin is demanded.
 *
 * @throws LedgerError `LOCKED`, `NOT_INITIALISED`, `BAD_IDENTITY`, `WAL_DAMAGED`, `ROOT_MISMATCH`, …
 */
export async function openLog(options: LogOptions): Promise<Log> {
  let fatal: LedgerError | undefined
  let log: Log | undefined
  const parts = await openParts(options, (error) => {
    if (log === undefined) fatal = error
    else log.fail(error)
  })
  if (fatal !== undefined) throw fatal
  log = new Log(options, parts)
  await log.catchUp()
  return log
}

export class Log {
  readonly identity: Identity
  /** Who may sign. */
  readonly keys: LogKeys
  readonly #options: LogOptions
  readonly #store: IndexStore
  readonly #lease: Lease
  readonly #wal: WriteAheadLog
  readonly #tree: TileTree
  readonly #mirror: Mirror | undefined
  /** By `id agent` or by leaf (hex). */
  readonly #inFlight = new Map<string, InFlight>()
  /** Participants of sessions whose opening is under way: the index knows them only once it is committed. */
  readonly #opening = new Map<string, readonly string[]>()
  #durable: Durable[] = []
  #committing: Promise<void> | undefined
  #published: PublishedCheckpoint
  readonly #onPublished = new Set<() => void>()
  #failure: LedgerError | undefined
  #closing: Promise<void> | undefined

  /** Use `openLog`. */
  constructor(options: LogOptions, parts: LogParts) {
    this.#options = options
    this.identity = parts.identity
    this.keys = parts.keys
    this.#store = parts.store
    this.#lease = parts.lease
    this.#wal = parts.wal
    this.#tree = parts.tree
    this.#mirror = parts.mirror
    this.#published = this.#sign(parts.recorded)
  }

  /** The newest signed checkpoint; everything acknowledged is in it. */
  get published(): PublishedCheckpoint {
    return this.#published
  }

  /** Calls `listener` after each newer checkpoint is published. */
  onPublished(listener: () => void): void {
    this.#onPublished.add(listener)
  }

  /**
   * Appends units in order, each in one step. Resolves with an index per entry once all of them are durable and in the
   * published checkpoint. Bytes that are in the log already get their old index.
   *
   * @throws LedgerError `ID_CONFLICT` when (agent, id) stands for other bytes, `NOT_A_PARTICIPANT` when the session does
   *   not name the agent (then nothing was appended), `MIRROR_UNAVAILABLE` while nothing can be published (what was
   *   submitted before may be appended later: the same bytes then get their index), `WAL_FAILED` or another fatal code, `STOPPED`
   * @throws ProofError `key_not_valid_at` when a key that signed ended in the meantime, or why an entry may not change the
   *   directory of keys (then nothing was appended)
   */
  async append(units: readonly Unit[]): Promise<readonly (readonly Appended[])[]> {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#closing !== undefined) throw new LedgerError('STOPPED', 'the ledger is stopping')
    if (!this.#lease.held) {
      const lost = new LedgerError('CHECKPOINT_CONFLICT', 'the lease of the ledger ran out')
      this.fail(lost)
      throw lost
    }
    // No await from here to the last submission: nothing else may claim an id in between.
    const claimed = new Map<string, Uint8Array>()
    const opened = new Map<string, readonly string[]>()
    const plan = this.keys.plan(this.#wal.next)
    let isFresh = false
    for (const unit of units) {
      const isRepeated = !unit.sealed && unit.entries.some((entry) => claimed.has(keyOf(entry)))
      const isKnown = this.#find(unit) !== undefined
      this.#check(unit, isKnown, claimed, opened)
      // What is in the log already was signed by keys that were valid then.
      if (isRepeated || isKnown) continue
      isFresh = true
      // A group that the log will not take would move the indexes of those behind it.
      groupBytes(unit.entries.map(({ bytes }) => bytes))
      plan.take(unit)
    }
    const outage = this.#mirror?.outage
    if (outage !== undefined && isFresh) throw outage
    plan.accept()
    const appended = Promise.all(
      units.map((unit) => {
        const place = this.#find(unit)
        return place === undefined ? this.#submit(unit) : this.#known(unit, place)
      }),
    )
    return this.#mirror === undefined ? appended : this.#mirror.whileAvailable(appended)
  }

  /** @throws LedgerError `NOT_FOUND` for an entry that no published checkpoint covers */
  async entry(index: number): Promise<Uint8Array> {
    const [bytes] = await this.entries(index, 1)
    if (bytes === undefined) throw new LedgerError('NOT_FOUND', `there is no entry ${index}`)
    return bytes
  }

  async entries(first: number, count: number): Promise<readonly Uint8Array[]> {
    if (first + count > this.#published.size) {
      throw new LedgerError('NOT_FOUND', `the log has ${this.#published.size} entries`)
    }
    return this.#wal.read(first, count)
  }

  /**
   * Index of the action with this id.
   *
   * @throws LedgerError `NOT_FOUND`, or `AMBIGUOUS_ID` when several agents used the id and none is named
   */
  indexOfId(id: string, agent?: string): number {
    const found = agent === undefined ? this.#store.findIds(id) : [this.#store.findId(agent, id)]
    const index = found[0]
    if (index === undefined) throw new LedgerError('NOT_FOUND', `no entry has the id ${id}`)
    if (found.length > 1) throw new LedgerError('AMBIGUOUS_ID', `several agents used the id ${id}: name one`)
    return index
  }

  /**
   * What is known of a session, as of the published checkpoint.
   *
   * @throws LedgerError `NOT_FOUND` for a session without entries
   */
  session(name: string): SessionRecord & { readonly participants?: readonly string[] } {
    const participants = this.#store.participants(name)
    const record = this.#store.sessions.record(name, participants ?? [])
    if (record === undefined) throw new LedgerError('NOT_FOUND', `there is no session ${name}`)
    return { ...record, ...(participants !== undefined && { participants }) }
  }

  /** Where the entries of a session stand, from a log index on; a batch and its seal are one unit. */
  sessionUnits(name: string, from: number, limit: number): readonly UnitPlace[] {
    return this.#store.sessions.units(name, from, limit)
  }

  /** Whether a session has entries below a log index. */
  sessionBegan(name: string, before: number): boolean {
    return this.#store.sessions.hasBefore(name, before)
  }

  /** Index of the entry with this leaf hash. */
  indexOfLeaf(leaf: Uint8Array): number | undefined {
    return leaf.length === HASH_SIZE ? this.#store.findLeaf(leaf) : undefined
  }

  /** Indexes of entries that hold a commitment (hexadecimal), from one on, ascending. */
  indexesOfCommitment(hash: string, from: number, limit: number): readonly number[] {
    return this.#store.commitments.find(hash, from, limit)
  }

  /** One proof for several entries, ascending by index. */
  inclusionOfAll(
    indexes: readonly number[],
    checkpoint: Pick<PublishedCheckpoint, 'size'>,
  ): readonly Uint8Array[] {
    return multiProof(indexes, checkpoint.size, this.#tree.node)
  }

  /** Inclusion proof of an entry in the published checkpoint. */
  inclusion(
    index: number,
    checkpoint: Pick<PublishedCheckpoint, 'size'> = this.#published,
  ): readonly Uint8Array[] {
    if (!(index < checkpoint.size)) throw new LedgerError('NOT_FOUND', `there is no entry ${index}`)
    return inclusionProof(index, checkpoint.size, this.#tree.node)
  }

  /** Consistency proof between two sizes, 0 < from ≤ to ≤ the published size. */
  consistency(from: number, to: number): readonly Uint8Array[] {
    if (from < 1 || from > to) {
      throw new LedgerError('BAD_REQUEST', 'from must be at least 1 and not above to')
    }
    if (to > this.#published.size) {
      throw new LedgerError('NOT_FOUND', `the log has ${this.#published.size} entries`)
    }
    return consistencyProof(from, to, this.#tree.node)
  }

  /** Root of the first `size` entries, which are at most the published ones. */
  rootAt(size: number): Uint8Array {
    if (size > this.#published.size) {
      throw new LedgerError('NOT_FOUND', `the log has ${this.#published.size} entries`)
    }
    return treeRoot(size, this.#tree.node)
  }

  /** A hash tile of the published tree. */
  tile(level: number, index: number, width: number): Uint8Array {
    const available = Math.floor(this.#published.size / 2 ** (level * TILE_HEIGHT)) - index * TILE_WIDTH
    if (width > available) throw new LedgerError('NOT_FOUND', 'the tree is not that large yet')
    return this.#tree.tile(level, index, width)
  }

  /** Why the log is not healthy; `undefined` when it is. An idle log is healthy. */
  unhealthy(): string | undefined {
    if (this.#failure !== undefined) return this.#failure.message
    if (this.#closing !== undefined) return 'the ledger is stopping'
    if (!this.#lease.held) return 'the writer does not hold its lease'
    if (this.#mirror?.outage !== undefined) return this.#mirror.outage.message
    const oldest = this.#durable[0]
    if (oldest !== undefined && performance.now() - oldest.since > MAX_LAG_MS) {
      return `an entry has waited for more than ${MAX_LAG_MS} ms for its checkpoint`
    }
    try {
      verifyCheckpoint(this.#published.note, [decodeVkey(this.identity.vkey)])
    } catch (error) {
      return `the published checkpoint does not verify: ${messageOf(error)}`
    }
    return undefined
  }

  /** Stops acknowledging for good. */
  fail(error: LedgerError): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    for (const { reject } of this.#durable.splice(0)) reject(error)
    this.#options.log.fatal({ code: error.code, err: error.message, ...error.detail }, 'the ledger stops')
    this.#options.onFatal?.(error)
  }

  /** Finishes what was submitted and releases everything. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      await this.#wal.close()
      this.#mirror?.stop()
      await this.#committing
      await this.#mirror?.close()
      this.#lease.release()
      await this.#store.close()
    })()
    return this.#closing
  }

  /** Takes in what is durable but not yet covered by the recorded checkpoint. */
  async catchUp(): Promise<void> {
    if (this.#mirror !== undefined) await this.#copy(this.#mirror)
    while (this.#tree.size < this.#wal.size) {
      const first = this.#tree.size
      const mirrored = this.#mirror?.checkpoint?.size ?? 0
      // A checkpoint that the mirror recorded before this one crashed is taken over as it stands.
      const end = first < mirrored ? mirrored : this.#wal.size
      const count = Math.min(COMMIT_ENTRIES, end - first)
      const entries = await this.#wal.read(first, count)
      await this.#commit(
        first,
        entries.map((bytes) => ({ bytes, leaf: leafHash(bytes) })),
      )
    }
  }

  /** Brings a mirror that is behind up to the recorded checkpoint. */
  async #copy(mirror: Mirror): Promise<void> {
    for (;;) {
      const first = mirror.checkpoint?.size ?? 0
      const count = Math.min(COMMIT_ENTRIES, this.#tree.size - first)
      if (count <= 0) return
      const entries = await this.#wal.read(first, count)
      const size = first + count
      await mirror.commit({
        from: first,
        checkpoint: {
          size,
          root: encodeBase64(treeRoot(size, this.#tree.node)),
          time: this.#options.clock.now(),
        },
        entries: entries.map((bytes, i) => indexedEntry(first + i, { bytes, leaf: leafHash(bytes) })),
      })
    }
  }

  /** Throws when a unit contradicts what is there, or what units before it in the same call claim. */
  #check(
    unit: Unit,
    isKnown: boolean,
    claimed: Map<string, Uint8Array>,
    opened: Map<string, readonly string[]>,
  ): void {
    let session: string | undefined
    let participants: readonly string[] | undefined
    for (const entry of unit.entries) {
      if (entry.action === undefined) continue
      const { agent, id } = entry.action
      const key = keyOf(entry)
      const other = claimed.get(key) ?? this.#leafOfId(key, agent, id)
      if (other !== undefined && !equalBytes(other, entry.leaf)) {
        throw new LedgerError('ID_CONFLICT', `${agent} used the id ${id} for another entry already`)
      }
      // An action stands under one seal: a batch is in the log as a whole or not at all.
      if (other !== undefined && unit.sealed && !isKnown) {
        throw new LedgerError('ID_CONFLICT', `the id ${id} of ${agent} stands under another seal already`)
      }
      claimed.set(key, entry.leaf)
      if (session !== entry.action.session) {
        session = entry.action.session
        participants = this.#store.participants(session) ?? this.#opening.get(session) ?? opened.get(session)
      }
      if (participants !== undefined && !participants.includes(agent)) {
        throw new LedgerError('NOT_A_PARTICIPANT', `${agent} is not a participant of session ${session}`)
      }
      const opens = openedBy(entry.action)
      if (opens !== undefined && participants === undefined) {
        participants = opens.participants
        opened.set(session, participants)
      }
    }
  }

  #leafOfId(key: string, agent: string, id: string): Uint8Array | undefined {
    const inFlight = this.#inFlight.get(key)
    if (inFlight !== undefined) return inFlight.leaf
    const index = this.#store.findId(agent, id)
    return index === undefined ? undefined : this.#tree.node(0, index)
  }

  /** Where a unit stands already. A batch is in the log when its seal is: both were appended in one step. */
  #find(unit: Unit): Place | undefined {
    const last = unit.entries.at(-1)
    if (last === undefined) return undefined
    const inFlight = this.#inFlight.get(keyOf(last))
    if (inFlight !== undefined) return inFlight
    const { action, leaf } = last
    const index = action ? this.#store.findId(action.agent, action.id) : this.#store.findLeaf(leaf)
    return index === undefined ? undefined : { first: index, position: 0 }
  }

  /** @param place of the last entry */
  async #known(unit: Unit, { first, position }: Place): Promise<readonly Appended[]> {
    const start = (await first) + position + 1 - unit.entries.length
    return unit.entries.map((_, i) => ({ index: start + i, fresh: false }))
  }

  #submit(unit: Unit): Promise<readonly Appended[]> {
    const submitted = this.#wal
      .append(unit.entries.map(({ bytes }) => bytes))
      .then((first) => this.#take(first, unit.entries))
    const keys = unit.entries.map(keyOf)
    for (const [position, { leaf }] of unit.entries.entries())
      this.#inFlight.set(keys[position] ?? '', { leaf, first: submitted, position })
    const opens = unit.entries.flatMap(({ action }) => (action && openedBy(action)) ?? [])
    const first = opens.filter(({ session }) => !this.#opening.has(session))
    for (const { session, participants } of first) {
      if (!this.#opening.has(session)) this.#opening.set(session, participants)
    }
    const settle = (): void => {
      for (const key of keys) this.#inFlight.delete(key)
      first.forEach(({ session }) => this.#opening.delete(session))
    }
    return submitted.then(
      (first) => {
        settle()
        return unit.entries.map((_, i) => ({ index: first + i, fresh: true }))
      },
      (error: unknown) => {
        settle()
        if (error instanceof LedgerError && error.fatal) this.fail(error)
        throw error
      },
    )
  }

  /** Second stage: what is durable waits for the checkpoint that covers it. */
  #take(first: number, entries: readonly AdmittedEntry[]): Promise<number> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#durable.push({ first, entries, since: performance.now(), resolve, reject })
      this.#committing ??= this.#commitAll()
    })
  }

  async #commitAll(): Promise<void> {
    // What the same sync made durable arrives in this turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#durable.length > 0 && this.#failure === undefined) {
      const group = this.#nextGroup()
      try {
        const first = group[0]?.first ?? this.#tree.size
        await this.#commit(
          first,
          group.flatMap(({ entries }) => entries),
        )
        this.#durable.splice(0, group.length)
        for (const durable of group) durable.resolve(durable.first)
      } catch (cause) {
        const failed = new LedgerError('INDEX_FAILED', 'the checkpoint cannot be recorded', { cause })
        const error = cause instanceof LedgerError ? cause : failed
        // Stopped while the mirror was away: what is durable is taken in at the next start.
        if (error.code === 'STOPPED') for (const { reject } of this.#durable.splice(0)) reject(error)
        else this.fail(error)
      }
    }
    this.#committing = undefined
  }

  #nextGroup(): readonly Durable[] {
    let entries = 0
    let taken = 0
    for (const durable of this.#durable) {
      entries += durable.entries.length
      if (taken > 0 && entries > COMMIT_ENTRIES) break
      taken++
    }
    return this.#durable.slice(0, taken)
  }

  async #commit(first: number, entries: readonly AdmittedEntry[]): Promise<void> {
    if (first !== this.#tree.size) {
      throw new LedgerError('ROOT_MISMATCH', `entry ${first} came when entry ${this.#tree.size} was due`)
    }
    for (const { leaf } of entries) this.#tree.append(leaf)
    const checkpoint: RecordedCheckpoint = {
      size: this.#tree.size,
      root: encodeBase64(this.#tree.root()),
      time: this.#options.clock.now(),
    }
    const tiles = this.#tree.changed()
    const commit = {
      from: first,
      checkpoint,
      entries: entries.map((entry, i) => indexedEntry(first + i, entry)),
    }
    // Below the mirror's checkpoint its entries have its root: that was checked when the log was read.
    if (checkpoint.size > (this.#mirror?.checkpoint?.size ?? 0)) await this.#mirror?.commit(commit)
    await this.#store.commit({ ...commit, epoch: this.#lease.epoch, tiles })
    this.#tree.stored(tiles)
    this.#published = this.#sign(checkpoint)
    for (const listener of this.#onPublished) listener()
  }

  /** Signs what is recorded. Ed25519 is deterministic: signing it again after a restart gives the same bytes. */
  #sign(recorded: RecordedCheckpoint): PublishedCheckpoint {
    const root = decodeBase64(recorded.root)
    if (root === undefined) throw new LedgerError('INDEX_DAMAGED', 'the recorded checkpoint has no root')
    const { origin, signer } = this.identity
    const { size, time } = recorded
    return { size, root, note: signCheckpoint({ origin, size, root }, [signer]), time }
  }
}

function keyOf(entry: AdmittedEntry): string {
  return entry.action === undefined
    ? Buffer.from(entry.leaf).toString('hex')
    : `${entry.action.id} ${entry.action.agent}`
}
