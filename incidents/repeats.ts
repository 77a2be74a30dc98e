import { hash } from 'node:crypto'
import type { Database } from 'lmdb'
import type { Subject } from './incident.js'

/** Subjects of one incident that are told within the window. */
export const MAX_TOLD = 100
/** After this long a subject is told again: an answer on it holds for a minute at least. */
const WINDOW_MS = 60_000

interface Told {
  readonly key: string
  /** Milliseconds since the Unix epoch, of the event. */
  readonly time: number
}

/**
 * Says which repeats of an incident are told to those who react, so that a flood is not: one that names a subject which was not
 * told within the last minute (`MAX_TOLD` of them at most), one that reaches a count somebody waits for, and one that reaches
 * a power of ten. Every other repeat is counted only.
 */
export class RepeatGauge {
  readonly #told: Database<readonly Told[], string>
  readonly #counts: readonly number[]

  /** @param counts that somebody waits for */
  constructor(told: Database<readonly Told[], string>, counts: Iterable<number | undefined>) {
    this.#told = told
    this.#counts = [...counts].filter((count) => count !== undefined)
  }

  /** Remembers the subjects of the event that opens an incident. In a transaction, as what follows. */
  opened(incident: string, subjects: readonly Subject[], time: number): void {
    this.#told.putSync(
      incident,
      subjects.map((subject) => ({ key: keyOf(subject), time })),
    )
  }

  /** Whether a repeat that takes the count from `before` to `count` is told. */
  admits(incident: string, { before, count, subjects, time }: Repeat): boolean {
    const isNew = this.#isNew(incident, subjects, time)
    return isNew || isMilestone(before, count) || this.#counts.some((one) => before < one && one <= count)
  }

  #isNew(incident: string, subjects: readonly Subject[], time: number): boolean {
    const told = (this.#told.get(incident) ?? []).filter((one) => Math.abs(time - one.time) < WINDOW_MS)
    if (told.length >= MAX_TOLD) return false
    const known = new Set(told.map(({ key }) => key))
    const fresh = subjects.map(keyOf).filter((key) => !known.has(key))
    if (fresh.length === 0) return false
    this.#told.putSync(incident, [...told, ...fresh.map((key) => ({ key, time }))])
    return true
  }
}

export interface Repeat {
  readonly before: number
  readonly count: number
  readonly subjects: readonly Subject[]
  readonly time: number
}

/** Whether a count reaches a further power of ten. */
export const isMilestone = (before: number, count: number): boolean =>
  Math.floor(Math.log10(count)) > Math.floor(Math.log10(before))

const keyOf = (subject: Subject): string => hash('sha256', JSON.stringify(subject), 'base64url').slice(0, 22)
