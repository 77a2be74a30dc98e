import type { FileKind } from '../identify.js'
import type { Reason } from '../verdict.js'

/** What is known of a content before the engines judge it. */
export interface Facts {
  readonly kind: FileKind
  /** Base name of the file or archive member; what a client calls it, for streams. Never a path to open. */
  readonly name: string
}

/**
 * One way to judge a content. It runs in a worker process and works synchronously, unless what it asks cannot: the pool's
 * deadline ends what takes too long. It may throw or reject; the judge makes that an `error` of its name.
 */
export interface Engine {
  readonly name: Reason['engine']
  judge(content: Buffer, facts: Facts): readonly Reason[] | Promise<readonly Reason[]>
}
