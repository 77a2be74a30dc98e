/** Everything that reaches outside because of an incident: an issue, a dispatch, an alert, a command, a timer. */
export interface Work {
  /** UUIDv7; sorts in the order in which work was added. */
  readonly id: string
  readonly incident: string
  /** Which handler it is for, e.g. `tracker.create`. */
  readonly kind: string
  /** Name of the tracker, agent or channel. Work of one incident on one target is done in order. */
  readonly target: string
  /** JSON; what the handler needs beside the incident itself. */
  readonly body: unknown
  /**
   * 32 random hexadecimal digits, durable before the first attempt. A handler puts it where the other side shows it again, so
   * that after an ambiguous outcome it can look whether the effect is there already.
   */
  readonly marker: string
  /** Attempts begun. */
  readonly attempt: number
  /** Attempts that count towards `maxAttempts`: they failed, and nobody said when to come again. */
  readonly failures: number
  /** An attempt was begun whose outcome is not known: it may have had its effect. */
  readonly ambiguous: boolean
  /** Milliseconds since the Unix epoch; not tried before. */
  readonly due: number
  /** A dead letter is not tried again unless somebody says so. */
  readonly state: 'waiting' | 'dead'
  /** When it became a dead letter, in milliseconds since the Unix epoch. */
  readonly died?: number
  readonly last_error?: string
}

export interface NewWork {
  readonly incident: string
  readonly kind: string
  readonly target: string
  readonly body?: unknown
  /** Not before; at once when left out. A timer needs a target of its own, or what is behind it waits too. */
  readonly due?: number
}

/** How an attempt ended. */
export type Outcome =
  | {
      readonly result: 'done'
      /** Runs inside the transaction that removes the work: both happen, or neither does. */
      readonly apply?: () => void
    }
  | {
      readonly result: 'retry'
      readonly reason: string
      /**
       * Milliseconds, when the other side said when to come again; such an attempt does not count towards `maxAttempts`. When
       * left out, a pause that grows with the failures.
       */
      readonly after?: number
      /** It is certain that nothing happened on the other side; the next attempt then need not look. */
      readonly untouched?: boolean
    }
  | {
      readonly result: 'dead'
      readonly reason: string
      /** Runs inside the transaction that makes it a dead letter. */
      readonly apply?: () => void
    }

export const done = (apply?: () => void): Outcome => ({ result: 'done', ...(apply && { apply }) })

export const retry = (
  reason: string,
  more: { readonly after?: number; readonly untouched?: boolean } = {},
): Outcome => ({ result: 'retry', reason, ...more })

export const dead = (reason: string, apply?: () => void): Outcome => ({
  result: 'dead',
  reason,
  ...(apply && { apply }),
})

export interface Attempt {
  /** Aborted when the role stops and when the attempt takes too long. */
  readonly signal: AbortSignal
  /** An earlier attempt may have had its effect: look for the marker before doing it again. */
  readonly resumed: boolean
}

/**
 * Makes one attempt. What it throws is a `retry` whose outcome is not known. `work.attempt` counts from 1.
 */
export type WorkHandler = (work: Work, attempt: Attempt) => Promise<Outcome>

export interface HandlerOptions {
  /** Attempts at once on one target. Default 4. */
  readonly concurrency?: number
  /** Time for one attempt; then its signal is aborted. Default 60 s. */
  readonly timeoutMs?: number
  /** After as many failures the work is a dead letter. Default 40, more than a day with the usual pauses. */
  readonly maxAttempts?: number | ((work: Work) => number)
  /** In the transaction that makes work a dead letter, instead of the ledger step `incident.failed`. */
  readonly buried?: (work: Work, reason: string) => void
}

const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 3_600_000

/**
 * Pause before the next attempt in milliseconds: doubling to an hour, with up to a tenth more so that many do not come back
 * at once.
 *
 * @param failures from 1
 * @param random from 0 to 1
 */
export const backOff = (failures: number, random: number): number =>
  Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.max(0, Math.min(failures, 30) - 1)) *
  (1 + random / 10)
