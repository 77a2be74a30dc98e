import type { Logger } from 'pino'
import type { Observed } from '../../runtime/admin.js'
import type { ScanPool } from '../pool.js'
import type { FileResult } from '../verdict.js'

/** What the protocols share: the pool that judges, and where their findings go. */
export interface ScanService {
  readonly pool: ScanPool
  /** Version of the product. */
  readonly version: string
  /** Bytes that a content sent over a connection may have. */
  readonly maxStreamSize: number
  readonly log: Logger
  /** A name for all that verdicts follow from; another one when rules or lists were loaded anew. */
  ruleSetVersion(): string
  /** Records what was found. Resolves when it is durable. */
  report(result: FileResult): Promise<void>
  /** Loads rules and lists anew. @returns whether it worked; otherwise those before stay in force */
  reload(): Promise<boolean>
  /** What `/health`, `/ready` and `/metrics` say. */
  readonly observed: Observed
}
