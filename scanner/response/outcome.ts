import type { ActionInput } from '../../ledger/client/types.js'

export type Entry = Pick<ActionInput, 'kind' | 'members'>

/** What came of a command: it is kept until it has been told, so that a crash loses none. */
export type Outcome =
  | {
      readonly type: 'applied'
      /** What was done, or in a dry run would be, for people. */
      readonly done: string
      /** Item of the vault that it made. */
      readonly quarantine?: string
      /** Milliseconds since the Unix epoch. */
      readonly expires?: number
      /** What the ledger is to hold of it; nothing after a dry run. */
      readonly entries: readonly Entry[]
    }
  | { readonly type: 'refused'; readonly code: string; readonly reason: string }
