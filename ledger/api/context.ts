import type { AnchorBook } from '../anchor/archive.js'
import type { Log, PublishedCheckpoint } from '../log.js'
import type { ProvingCheckpoint } from '../proving-checkpoint.js'
import type { Witnessing } from '../witnessing/witnessing.js'
import type { TimeBudget } from './time-budget.js'

export interface ApiOptions {
  /** Bearer token for writes over TCP; without one they are refused. */
  readonly token?: string
  /** Whether reads over TCP need the token, too; `open` when left out. */
  readonly reads?: 'open' | 'token'
  /** The witnesses of the log, when it has any. */
  readonly witnessing?: Witnessing | undefined
  /** Where the log is anchored, when it is. */
  readonly anchors?: AnchorBook | undefined
  /** The trust policy that the log offers. */
  readonly policy?: () => Promise<Uint8Array>
  /** Metrics of the role, in Prometheus' text format. */
  readonly metrics?: () => Promise<string>
  /** Told of errors that are nobody's request. */
  readonly onError?: (error: unknown) => void
}

/** What routes work with. */
export interface ApiContext {
  readonly log: Log
  readonly options: ApiOptions
  /** Time that `POST /v1/verify` may take from everything else. */
  readonly verifying: TimeBudget
}

/** The checkpoint to prove with: a witnessed one when one covers this many entries, the newest otherwise. */
export function checkpointFor({ log, options }: ApiContext, size: number): PublishedCheckpoint {
  return options.witnessing?.checkpointFor(size) ?? log.published
}

/** The checkpoint that a receipt or bundle is made against: one that is on a chain when one covers this many entries. */
export function provingFor(context: ApiContext, size: number): ProvingCheckpoint {
  return context.options.anchors?.proving(size) ?? checkpointFor(context, size)
}
