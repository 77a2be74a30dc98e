import type { Findings } from '../findings.js'
import type { FileState, Journal } from '../journal.js'
import type { Pace } from '../pace.js'
import type { Priority, ScanPool } from '../pool.js'
import { judgeWalked } from '../scan-tree.js'
import type { FileResult } from '../verdict.js'
import type { Walked } from '../walk.js'

export interface IncrementalScanDeps {
  readonly pool: ScanPool
  readonly journal: Journal
  readonly findings: Findings
  readonly pace: Pace
  readonly signal: AbortSignal
  /** Asks for a file to be looked at once more, soon. */
  readonly again: (path: Buffer) => void
  /** Told how long a file took. */
  readonly judged: (path: Buffer, ms: number) => void
}

export interface RunOptions {
  readonly priority: Priority
  /** Also what the journal knows. */
  readonly all?: boolean
  /** A path that has to be there: that it is not is a finding. */
  readonly isStart?: (path: Buffer) => boolean
}

/** How often a file that changes while it is read is tried before that is said of it. */
const MOST_TRIES = 10

/** Judges what has changed since it was judged last, whoever met it, and deals with what is found. */
export class IncrementalScan {
  /** Files under judgement, for two walks may meet the same one. */
  readonly #open = new Set<string>()
  readonly #tries = new Map<string, number>()

  constructor(readonly deps: IncrementalScanDeps) {}

  /** Resolves when everything that was walked is judged and dealt with, or at the signal. */
  async run(walked: AsyncIterable<Walked>, { priority, all = false, isStart }: RunOptions): Promise<void> {
    const { pool, journal, pace, signal } = this.deps
    const states = new Map<string, FileState>()
    const shouldRead = async (path: Buffer): Promise<boolean> => {
      await pace.ready(signal)
      if (signal.aborted) return false
      const name = path.toString('latin1')
      if (this.#open.has(name)) {
        this.deps.again(path)
        return false
      }
      this.#open.add(name)
      const state = await journal.look(path)
      if (state !== 'known' && !state.isGone) {
        states.set(name, state)
        return true
      }
      this.#open.delete(name)
      if (state !== 'known') journal.forget(path)
      else if (all) {
        this.#open.add(name)
        return true
      }
      return false
    }
    const report = async (result: FileResult, path: Buffer): Promise<void> => {
      const name = path.toString('latin1')
      const state = states.get(name)
      states.delete(name)
      try {
        await this.#settle(result, path, state, isStart?.(path) === true)
      } finally {
        this.#open.delete(name)
      }
    }
    await judgeWalked(pool, walked, { priority, shouldRead, signal }, report)
  }

  async #settle(
    result: FileResult,
    path: Buffer,
    state: FileState | undefined,
    isStart: boolean,
  ): Promise<void> {
    const { journal, findings, pace, signal, again, judged } = this.deps
    // What the stop itself cut short is read again by the next start.
    if (signal.aborted) return
    pace.spent(result.ms)
    judged(path, result.ms)
    const problem = result.verdict === 'error' ? result.reasons[0]?.rule : undefined
    if (problem === 'ENOENT' && !isStart) {
      journal.forget(path)
      return
    }
    if (problem === 'CHANGED' && this.#tryAgain(path)) {
      again(path)
      return
    }
    this.#tries.delete(path.toString('latin1'))
    // Only once a finding is durable and its file dealt with: what a crash cuts off is judged again.
    if ((await findings.settle(result, path)) && state) journal.settle(path, state)
  }

  #tryAgain(path: Buffer): boolean {
    const name = path.toString('latin1')
    const tries = (this.#tries.get(name) ?? 0) + 1
    this.#tries.set(name, tries)
    return tries < MOST_TRIES
  }
}
