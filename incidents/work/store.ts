import { randomBytes } from 'node:crypto'
import type { Database, RootDatabase } from 'lmdb'
import { uuidv7, uuidv7Time } from '../../runtime/uuid.js'
import type { NewWork, Work } from './work.js'

/** Dead letters that are taken away at once, so that the write lock is not held long. */
const MAX_EXPIRED = 1000

const LAST = 'last'

/** Told of what the running transaction does to work. */
export interface WorkChanges {
  touched(incident: string): void
  removed(work: string): void
}

/**
 * Work on disk. What waits and the dead letters are kept apart, so that neither is read past to find the other. Everything that
 * writes must run inside a transaction of the incident store.
 */
export class WorkStore {
  readonly #work: Database<Work, string>
  readonly #dead: Database<Work, string>
  /** Dead letters in the order in which they died. */
  readonly #died: Database<true, [died: number, id: string]>
  /** Incident to its work that waits. */
  readonly #waiting: Database<number, string>
  /** The last id that was given out. */
  readonly #ids: Database<string, typeof LAST>
  readonly #changes: WorkChanges

  constructor(root: RootDatabase, changes: WorkChanges) {
    this.#work = root.openDB({ name: 'work', encoding: 'json' })
    this.#dead = root.openDB({ name: 'work-dead', encoding: 'json' })
    this.#died = root.openDB({ name: 'work-died', encoding: 'json' })
    this.#waiting = root.openDB({ name: 'work-waiting', encoding: 'json' })
    this.#ids = root.openDB({ name: 'work-ids', encoding: 'json' })
    this.#changes = changes
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
      failures: 0,
      ambiguous: false,
      due: due ?? now,
      state: 'waiting',
    }
    this.put(work)
    return work
  }

  get(id: string): Work | undefined {
    return this.#work.get(id) ?? this.#dead.get(id)
  }

  put(work: Work): void {
    const before = this.get(work.id)
    if (before && (before.state === 'dead' || work.state === 'dead')) this.#drop(before)
    if (work.state === 'waiting') this.#work.putSync(work.id, work)
    else {
      this.#dead.putSync(work.id, work)
      this.#died.putSync([work.died ?? 0, work.id], true)
    }
    this.#count(work.incident, (work.state === 'waiting' ? 1 : 0) - (before?.state === 'waiting' ? 1 : 0))
  }

  /** Takes work away, done or not; nothing happens when it is gone already. */
  remove(id: string): void {
    const before = this.get(id)
    if (!before) return
    this.#drop(before)
    this.#count(before.incident, before.state === 'waiting' ? -1 : 0)
    this.#changes.removed(id)
  }

  /** How much of an incident's work waits. */
  waiting(incident: string): number {
    return this.#waiting.get(incident) ?? 0
  }

  /** How many dead letters there are. */
  get dead(): number {
    return this.#dead.getKeysCount({})
  }

  /** In the order in which it was added. @param wanted `after`: an id to go on behind */
  *list({ state, after }: { readonly state?: Work['state']; readonly after?: string } = {}): Generator<Work> {
    const behind = (work: Database<Work, string>): Iterable<Work> =>
      work
        .getRange(after === undefined ? {} : { start: after })
        .filter(({ key }) => key !== after)
        .map(({ value }) => value)
    if (state === 'waiting') yield* behind(this.#work)
    else if (state === 'dead') yield* behind(this.#dead)
    else yield* inOrder(behind(this.#work), behind(this.#dead))
  }

  /** Ids of dead letters that died before a time, and of the oldest above a number; at most 1000 at a time. */
  expired(before: number, most: number): readonly string[] {
    const surplus = this.dead - most
    const ids: string[] = []
    for (const [died, id] of this.#died.getKeys({ limit: MAX_EXPIRED })) {
      if (died >= before && ids.length >= surplus) break
      ids.push(id)
    }
    return ids
  }

  #drop({ id, state, died }: Work): void {
    if (state === 'waiting') this.#work.removeSync(id)
    else {
      this.#dead.removeSync(id)
      this.#died.removeSync([died ?? 0, id])
    }
  }

  #count(incident: string, change: number): void {
    const count = this.waiting(incident) + change
    if (count > 0) this.#waiting.putSync(incident, count)
    else this.#waiting.removeSync(incident)
    this.#changes.touched(incident)
  }

  /** Behind every id that there ever was, also when the clock was set back: who follows what is added goes by it. */
  #nextId(now: number): string {
    const last = this.#ids.get(LAST)
    let id = uuidv7(last === undefined ? now : Math.max(now, uuidv7Time(last)))
    if (last !== undefined && id <= last) id = uuidv7(uuidv7Time(last) + 1)
    this.#ids.putSync(LAST, id)
    return id
  }
}

/** Two lists in one, by id. */
function* inOrder(left: Iterable<Work>, right: Iterable<Work>): Generator<Work> {
  const others = right[Symbol.iterator]()
  try {
    let other = others.next()
    for (const work of left) {
      for (; other.done !== true && other.value.id < work.id; other = others.next()) yield other.value
      yield work
    }
    for (; other.done !== true; other = others.next()) yield other.value
  } finally {
    others.return?.()
  }
}
