import { Prefilter, type Requirement, impossible } from '../prefilter/index.js'
import { Routes } from './routes.js'

/** What tells which rules a value can match, and what it has to become for others. */
export class Sieve {
  readonly prefilter: Prefilter
  readonly routes: Routes

  /** Of the rules with these requirements, only those whose bits are in `members` are looked for. */
  constructor(requirements: readonly Requirement[], members: ReadonlySet<number>) {
    const own = requirements.map((requirement, bit) => (members.has(bit) ? requirement : impossible))
    this.prefilter = new Prefilter(own)
    this.routes = new Routes(own)
  }
}
