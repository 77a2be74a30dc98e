import type { Database } from 'lmdb'
import type { IncidentStore } from '../store.js'
import { isFinished, type Run } from './run.js'

/** Runs on disk. Writes must run inside a transaction of the incident store. */
export class RunStore {
  readonly #runs: Database<Run, string>
  /** Unfinished runs only. */
  readonly #open: Database<string, [agent: string, run: string]>

  constructor(store: Pick<IncidentStore, 'table'>) {
    this.#runs = store.table('runs')
    this.#open = store.table('runs-open')
  }

  get(id: string): Run | undefined {
    return this.#runs.get(id)
  }

  put(run: Run): void {
    this.#runs.putSync(run.id, run)
    if (isFinished(run.state)) this.#open.removeSync([run.agent, run.id])
    else this.#open.putSync([run.agent, run.id], run.incident)
  }

  /** Unfinished runs of an agent, the oldest first. */
  *open(agent: string): Generator<Run> {
    for (const [, id] of this.#open.getKeys({ start: [agent, ''], end: [agent, '\uffff'] })) {
      const run = this.#runs.get(id)
      if (run) yield run
    }
  }

  /** The unfinished run of an incident with an agent; there is one at most. */
  openOf(incident: string, agent: string): Run | undefined {
    const range = this.#open.getRange({ start: [agent, ''], end: [agent, '\uffff'] })
    for (const { key, value } of range) if (value === incident) return this.#runs.get(key[1])
    return undefined
  }

  /** How many runs of an agent it works on, or may be working on. */
  busy(agent: string): number {
    let count = 0
    for (const { state } of this.open(agent)) if (state !== 'queued') count++
    return count
  }
}
