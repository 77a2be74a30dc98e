import { join } from 'node:path'
import { open, type Database, type RootDatabase } from 'lmdb'
import { privateFolder } from '../runtime/data-folder.js'
import { messageOf } from '../runtime/errors.js'
import { lmdbWrite } from '../runtime/lmdb-cause.js'
import { checkLmdbFile } from '../runtime/lmdb-file.js'
import type { Delivery } from './alerts/delivery.js'
import { IncidentError } from './errors.js'
import type { Incident } from './incident.js'
import type { Step } from './step.js'

/**
 * Incidents on disk. One transaction takes a batch of events in: the incidents, the steps that the ledger still has to get,
 * the alerts that are due, and how far the outbox has been read. A crash therefore leaves either all of it or none, and an
 * event that comes again is known by its position.
 */
export class IncidentStore {
  readonly #root: RootDatabase
  readonly #incidents: Database<Incident, string>
  /** Fingerprint to the id of its latest incident. */
  readonly #latest: Database<string, string>
  readonly #deliveries: Database<Delivery, string>
  readonly #steps: Database<Step, number>
  readonly #state: Database<number, string>

  private constructor(root: RootDatabase) {
    this.#root = root
    this.#incidents = root.openDB({ name: 'incidents', encoding: 'json' })
    this.#latest = root.openDB({ name: 'latest', encoding: 'json' })
    this.#deliveries = root.openDB({ name: 'deliveries', encoding: 'json' })
    this.#steps = root.openDB({ name: 'steps', encoding: 'json' })
    this.#state = root.openDB({ name: 'state', encoding: 'json' })
  }

  /** @throws IncidentError `INCIDENT_STORE` */
  static async open(folder: string): Promise<IncidentStore> {
    const path = await privateFolder(folder)
    checkLmdbFile(join(path, 'data.mdb'))
    try {
      return new IncidentStore(
        open({ path, noSubdir: false, overlappingSync: false, eventTurnBatching: false, maxDbs: 8 }),
      )
    } catch (cause) {
      throw new IncidentError('INCIDENT_STORE', `cannot open the incidents in ${path}: ${messageOf(cause)}`, {
        cause,
      })
    }
  }

  /** Runs `work` as one durable transaction; what it throws undoes all of it. */
  async transaction<T>(work: () => T): Promise<T> {
    return lmdbWrite(this.#root.childTransaction(work))
  }

  /** Position of the last event taken in. */
  get position(): number {
    return this.#state.get('position') ?? 0
  }

  set position(seq: number) {
    this.#state.putSync('position', seq)
  }

  get(id: string): Incident | undefined {
    return this.#incidents.get(id)
  }

  latest(fingerprint: string): Incident | undefined {
    const id = this.#latest.get(fingerprint)
    return id === undefined ? undefined : this.#incidents.get(id)
  }

  put(incident: Incident): void {
    this.#incidents.putSync(incident.id, incident)
    this.#latest.putSync(incident.fingerprint, incident.id)
  }

  /** Newest first. */
  *list(): Generator<Incident> {
    for (const { value } of this.#incidents.getRange({ reverse: true })) yield value
  }

  addStep(step: Step): void {
    const next = (this.#state.get('step') ?? 0) + 1
    this.#state.putSync('step', next)
    this.#steps.putSync(next, step)
  }

  /** Steps not yet in the ledger, in order. */
  steps(): { readonly number: number; readonly step: Step }[] {
    return [...this.#steps.getRange({})].map(({ key, value }) => ({ number: key, step: value }))
  }

  removeStep(number: number): void {
    this.#steps.removeSync(number)
  }

  putDelivery(delivery: Delivery): void {
    this.#deliveries.putSync(delivery.id, delivery)
  }

  removeDelivery(id: string): void {
    this.#deliveries.removeSync(id)
  }

  /** Oldest first, failed ones included. */
  *deliveries(): Generator<Delivery> {
    for (const { value } of this.#deliveries.getRange({})) yield value
  }

  async close(): Promise<void> {
    await this.#root.close()
  }
}
