import { randomBytes } from 'node:crypto'
import type { Database, RootDatabase } from 'lmdb'
import { uuidv7, uuidv7Time } from '../../runtime/uuid.js'
import type { NewWork, Work } from './work.js'

/** Work on disk. Everything that writes must run inside a transaction of the incident store. */
export class WorkStore {
  readonly #work: Database<Work, string>
  /** Incident to its work that waits. */
  readonly #waiting: Database<number, string>
  readonly #touched: (incident: string) => void

  /** @param touched told of each incident whose work changes */
  constructor(root: RootDatabase, touched: (incident: string) => void) {
    this.#work = root.openDB({ name: 'work', encoding: 'json' })
    this.#waiting = root.openDB({ name: 'work-waiting', encoding: 'json' })
    this.#touched = touched
  }

  add({ incident, kind, target, body = {}, due }: NewWork, now: number): Work {
    const work: Work = {
      id: this.#nextId(now),
      incident,
      kind,
      target,
      body,
      marker: randomBytes(16).toString('hex'),
      attempt: 0,
      ambiguous: false,
      due: due ?? now,
      state: 'waiting',
    }
    this.put(work)
    return work
  }

  get(id: string): Work | undefined {
    return this.#work.get(id)
  }

  put(work: Work): void {
    const before = this.#work.get(work.id)
    this.#work.putSync(work.id, work)
    this.#count(work.incident, (work.state === 'waiting' ? 1 : 0) - (before?.state === 'waiting' ? 1 : 0))
  }

  /** Takes work away, done or not; nothing happens when it is gone already. */
  remove(id: string): void {
    const before = this.#work.get(id)
    if (!before) return
    this.#work.removeSync(id)
    this.#count(before.incident, before.state === 'waiting' ? -1 : 0)
  }

  /** How much of an incident's work waits. */
  waiting(incident: string): number {
    return this.#waiting.get(incident) ?? 0
  }

  /** In the order in which it was added, dead letters included. @param after an id to go on behind */
  *list(after?: string): Generator<Work> {
    for (const { key, value } of this.#work.getRange(after === undefined ? {} : { start: after }))
      if (key !== after) yield value
  }

  #count(incident: string, change: number): void {
    const count = this.waiting(incident) + change
    if (count > 0) this.#waiting.putSync(incident, count)
    else this.#waiting.removeSync(incident)
    this.#touched(incident)
  }

  /** Behind every id that is there, also when the clock was set back. */
  #nextId(now: number): string {
    const [last] = this.#work.getKeys({ reverse: true, limit: 1 })
    if (last === undefined) return uuidv7(now)
    const id = uuidv7(Math.max(now, uuidv7Time(last)))
    return id > last ? id : uuidv7(uuidv7Time(last) + 1)
  }
}
