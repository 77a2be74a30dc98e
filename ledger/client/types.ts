/**
 * How a role records what it did. The client makes actions canonical, numbers them, seals them in batches with the
 * role's own key and puts each sealed batch into the durable outbox (topic `ledger`); the ledger role appends it.
 */

/** Kind-specific members of an action; keys are lower-case snake case, numbers are integers. */
export type ActionValue =
  string | number | boolean | readonly ActionValue[] | { readonly [key: string]: ActionValue }

export interface ActionInput {
  /** Lower-case UUIDv7; for a verdict it is the request id, so that its receipt can be found by it. */
  readonly id?: string
  readonly kind: string
  /** Milliseconds since the Unix epoch. */
  readonly ts: number
  /** Members that the schema of `kind` adds to the common ones. */
  readonly members: { readonly [key: string]: ActionValue }
}

export interface LedgerRecorder {
  /**
   * Records one action. It returns at once: the action is sealed with its batch (by size or age), above the configured
   * rate it is counted in a signed `security.summary` instead. Returns the id of the action's entry, or `undefined` when
   * it was summarised.
   *
   * @param position how far the caller has come in a journal of its own, from 1 and ascending. It becomes durable in one
   *   transaction with the entry or the summary, so that a caller that starts again knows what has to be recorded still
   */
  record(action: ActionInput, position?: number): string | undefined
  /** The last position that is durable; 0 before the first. */
  readonly position: number
  /** Seals what waits and resolves when it is durable in the outbox. */
  flush(): Promise<void>
  /** `flush`, then `session.close`. */
  close(): Promise<void>
}
