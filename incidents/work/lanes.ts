import type { IncidentStore } from '../store.js'
import { backOff } from './work.js'
import type { Work } from './work.js'

interface Waiting {
  readonly id: string
  readonly lane: string
  /** Key of its target. */
  readonly at: string
  readonly kind: string
  readonly target: string
  due: number
}

/** How a target does: what failed there makes all its work pause, and one at a time try again. */
interface Target {
  running: number
  failures: number
  pausedUntil: number
}

/** Longest pause of a whole target: once it is back, its work is not kept for an hour. */
const LONGEST_TARGET_PAUSE_MS = 60_000

/**
 * What waits, in memory: an index of the store, so that finding the next work does not read all of it. A lane holds the work
 * of one incident on one target, in order; only its first may begin.
 */
export class Lanes {
  readonly #store: IncidentStore
  readonly #waiting = new Map<string, Waiting>()
  readonly #lanes = new Map<string, Set<string>>()
  readonly #targets = new Map<string, Target>()
  readonly #running = new Set<string>()
  #after: string | undefined

  constructor(store: IncidentStore) {
    this.#store = store
  }

  /** Takes in what was added since the last look, and lets go of what was taken back: nothing waits behind that. */
  refresh(): void {
    this.#store.refresh()
    for (const id of this.#store.takeRemovedWork()) if (!this.#running.has(id)) this.remove(id)
    const added = { state: 'waiting', ...(this.#after !== undefined && { after: this.#after }) } as const
    for (const work of this.#store.work.list(added)) {
      this.#after = work.id
      this.#insert(work)
    }
  }

  /** Takes in one that was a dead letter, or whose time was changed. */
  revive(id: string): void {
    const work = this.#store.work.get(id)
    if (work?.state !== 'waiting' || this.#running.has(id)) return
    this.remove(id)
    this.#insert(work)
  }

  /** Ids of what may begin now; they count as running from here on. */
  startable(now: number, limitOf: (kind: string) => number): readonly string[] {
    const found: string[] = []
    for (const lane of this.#lanes.values()) {
      const [first] = lane
      const waiting = first === undefined ? undefined : this.#waiting.get(first)
      if (!waiting || waiting.due > now || this.#running.has(waiting.id)) continue
      const target = this.#targetOf(waiting.at)
      if (target.pausedUntil > now) continue
      if (target.running >= (target.failures > 0 ? 1 : limitOf(waiting.kind))) continue
      target.running++
      this.#running.add(waiting.id)
      found.push(waiting.id)
    }
    return found
  }

  /** When the next may begin, unless something changes; infinity when nothing waits. */
  nextDue(now: number): number {
    let next = Number.POSITIVE_INFINITY
    for (const lane of this.#lanes.values()) {
      const [first] = lane
      const waiting = first === undefined ? undefined : this.#waiting.get(first)
      if (!waiting || this.#running.has(waiting.id)) continue
      const target = this.#targetOf(waiting.at)
      // A target with all that it may do at once is looked at again when one of it ends.
      const due = Math.max(waiting.due, target.pausedUntil)
      if (due > now || target.running === 0) next = Math.min(next, due)
    }
    return next
  }

  /** Ends the attempt of work that goes on waiting. */
  release(id: string, how: 'answered' | 'failed' | 'store', now: number, due = now): void {
    const waiting = this.#waiting.get(id)
    if (!waiting) return
    waiting.due = due
    this.#end(waiting, how, now)
  }

  /** Takes work away that is done or dead. */
  remove(id: string, how: 'answered' | 'failed' | 'store' = 'store', now = 0): void {
    const waiting = this.#waiting.get(id)
    if (!waiting) return
    this.#end(waiting, how, now)
    this.#waiting.delete(id)
    const lane = this.#lanes.get(waiting.lane)
    lane?.delete(id)
    if (lane?.size === 0) this.#lanes.delete(waiting.lane)
  }

  backlog(): { kind: string; target: string; count: number }[] {
    const counts = new Map<string, { kind: string; target: string; count: number }>()
    for (const { kind, target } of this.#waiting.values()) {
      const key = `${kind} ${target}`
      const counted = counts.get(key) ?? { kind, target, count: 0 }
      counted.count++
      counts.set(key, counted)
    }
    return [...counts.values()]
  }

  #insert({ id, incident, kind, target, due }: Work): void {
    if (this.#waiting.has(id)) return
    // `tracker.create` and `tracker.comment` reach the same place; an agent of the same name does not.
    const at = `${kind.split('.', 1)[0]} ${target}`
    const waiting: Waiting = { id, lane: `${incident} ${at}`, at, kind, target, due }
    this.#waiting.set(id, waiting)
    const lane = this.#lanes.get(waiting.lane)
    if (!lane) this.#lanes.set(waiting.lane, new Set([id]))
    else {
      lane.add(id)
      const [first] = lane
      // One that was revived is older than what came after it.
      if (first !== undefined && id < first) this.#lanes.set(waiting.lane, new Set([...lane].toSorted()))
    }
  }

  #end({ id, at }: Waiting, how: 'answered' | 'failed' | 'store', now: number): void {
    if (!this.#running.delete(id)) return
    const target = this.#targetOf(at)
    target.running--
    if (how === 'answered') {
      target.failures = 0
      target.pausedUntil = 0
    } else if (how === 'failed') {
      target.failures++
      target.pausedUntil = now + Math.min(LONGEST_TARGET_PAUSE_MS, backOff(target.failures, 0))
    }
    if (target.running === 0 && target.failures === 0) this.#targets.delete(at)
  }

  #targetOf(at: string): Target {
    let found = this.#targets.get(at)
    if (!found) this.#targets.set(at, (found = { running: 0, failures: 0, pausedUntil: 0 }))
    return found
  }
}
