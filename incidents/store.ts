import { join } from 'node:path'
import { open, type Database, type Key, type RootDatabase } from 'lmdb'
import type { ActionSigner } from '../ledger/client/action-signer.js'
import { privateFolder } from '../runtime/data-folder.js'
import { messageOf } from '../runtime/errors.js'
import { lmdbWrite } from '../runtime/lmdb-cause.js'
import { checkLmdbFile } from '../runtime/lmdb-file.js'
import { IncidentError } from './errors.js'
import { isOver } from './incident.js'
import type { Incident } from './incident.js'
import { IncidentSessions } from './session.js'
import type { Step } from './step.js'
import { Timeline } from './timeline.js'
import { WorkStore } from './work/store.js'

export interface IncidentStoreOptions {
  /** Signs the steps; without it the store can only be read. */
  readonly signer?: ActionSigner
  /** Milliseconds since the Unix epoch. */
  readonly now?: () => number
  /** Told after each transaction: work may be due, and entries may wait for the ledger. */
  readonly onCommitted?: () => void
  /** Told of a step that the ledger's schema does not take. */
  readonly onUnrecorded?: (problem: string) => void
}

/**
 * Incidents on disk. One transaction takes a batch of events in: the incidents, their entries for the ledger, the work that
 * follows, and how far the outbox has been read. A crash therefore leaves either all of it or none, and an event that comes
 * again is known by its position.
 */
export class IncidentStore {
  /** What follows from incidents and is not done yet. */
  readonly work: WorkStore
  readonly sessions: IncidentSessions
  readonly timeline: Timeline
  readonly #root: RootDatabase
  readonly #incidents: Database<Incident, string>
  /** Fingerprint to the id of its latest incident. */
  readonly #latest: Database<string, string>
  readonly #state: Database<number, string>
  readonly #options: IncidentStoreOptions
  /**
   * Incidents as the running transaction leaves them: each is written once, at its end, for a flood of events is mostly of few
   * incidents.
   */
  #changed: Map<string, Incident> | undefined
  /** Incidents that the running transaction changed, and work that it took away. */
  readonly #touched = new Set<string>()
  #removing: string[] = []
  #removed: string[] = []

  private constructor(root: RootDatabase, options: IncidentStoreOptions) {
    this.#root = root
    this.#options = options
    this.#incidents = root.openDB({ name: 'incidents', encoding: 'json' })
    this.#latest = root.openDB({ name: 'latest', encoding: 'json' })
    this.#state = root.openDB({ name: 'state', encoding: 'json' })
    this.work = new WorkStore(root, {
      touched: (incident) => this.#touched.add(incident),
      removed: (work) => this.#removing.push(work),
    })
    this.sessions = new IncidentSessions(root, this.#state, options.signer)
    this.timeline = new Timeline(root)
  }

  /** @throws IncidentError `INCIDENT_STORE` */
  static async open(folder: string, options: IncidentStoreOptions = {}): Promise<IncidentStore> {
    const path = await privateFolder(folder)
    checkLmdbFile(join(path, 'data.mdb'))
    try {
      return new IncidentStore(
        open({ path, noSubdir: false, overlappingSync: false, eventTurnBatching: false, maxDbs: 64 }),
        options,
      )
    } catch (cause) {
      throw new IncidentError('INCIDENT_STORE', `cannot open the incidents in ${path}: ${messageOf(cause)}`, {
        cause,
      })
    }
  }

  /** A table of a neighbour's own: what is written there shares the transactions of the incidents. */
  table<T, K extends Key = string>(name: string): Database<T, K> {
    return this.#root.openDB({ name, encoding: 'json' })
  }

  /**
   * Runs `work` as one durable transaction; what it throws undoes all of it. An incident that is over when it ends, and for
   * which nothing waits any more, has its session closed.
   */
  async transaction<T>(work: () => T): Promise<T> {
    const [result, removed] = await lmdbWrite(
      this.#root.childTransaction(() => {
        this.#touched.clear()
        this.#removing = []
        this.#changed = new Map()
        try {
          const outcome = work()
          for (const id of this.#touched) this.#settle(id)
          this.#writeChanged()
          return [outcome, this.#removing] as const
        } finally {
          this.#changed = undefined
        }
      }),
    )
    this.#removed.push(...removed)
    this.#options.onCommitted?.()
    return result
  }

  /** Ids of the work that was taken away since the last call, for who follows what waits. */
  takeRemovedWork(): readonly string[] {
    return this.#removed.splice(0)
  }

  /** Makes what other processes wrote visible to the reads that follow. */
  refresh(): void {
    this.#root.resetReadTxn()
  }

  /** Position of the last event taken in. */
  get position(): number {
    return this.#state.get('position') ?? 0
  }

  set position(seq: number) {
    this.#state.putSync('position', seq)
  }

  get(id: string): Incident | undefined {
    return this.#changed?.get(id) ?? this.#incidents.get(id)
  }

  /** The incident that last took in a fingerprint, which a storm does for many. */
  latest(fingerprint: string): Incident | undefined {
    const id = this.#latest.get(fingerprint)
    return id === undefined ? undefined : this.get(id)
  }

  /** To be called inside a transaction. */
  put(incident: Incident): void {
    if (this.#changed === undefined)
      throw new IncidentError('INCIDENT_STORE', 'an incident is put outside of a transaction')
    this.#changed.set(incident.id, incident)
    this.#touched.add(incident.id)
  }

  /** Says which incident takes in the events of a fingerprint from now on. */
  route(fingerprint: string, id: string): void {
    this.#latest.putSync(fingerprint, id)
  }

  /** Newest first. @param before an id to go on behind */
  *list(before?: string): Generator<Incident> {
    this.#writeChanged()
    const range = this.#incidents.getRange({ reverse: true, ...(before !== undefined && { start: before }) })
    for (const { key, value } of range) if (key !== before) yield value
  }

  /** Records a step in the ledger's session of its incident and in the timeline. @param text of a comment */
  addStep(step: Step, text?: string): void {
    const { entry, problem } = this.sessions.record(step)
    if (problem !== undefined) this.#options.onUnrecorded?.(problem)
    const { incident: _, count: __, first: ___, last: ____, ...facts } = step.members
    this.timeline.add(step.incident, {
      time: step.time,
      kind: step.kind,
      entry,
      facts,
      ...(text !== undefined && { text }),
    })
    this.#touched.add(step.incident)
  }

  async close(): Promise<void> {
    await this.#root.close()
  }

  #writeChanged(): void {
    for (const [id, incident] of this.#changed ?? []) this.#incidents.putSync(id, incident)
  }

  #settle(id: string): void {
    const incident = this.get(id)
    if (incident && isOver(incident) && this.work.waiting(id) === 0)
      this.sessions.close(id, (this.#options.now ?? Date.now)())
  }
}
