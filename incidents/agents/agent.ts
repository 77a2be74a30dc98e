import type { RunResult } from './run.js'

/** The kinds of agents that there are connectors for. */
export type AgentType =
  'openclaw' | 'teamboard' | 'openpr' | 'openprx' | 'hub' | 'openmcp' | 'webhook' | 'tunnel' | 'command'

/** What is handed to an agent. */
export interface Dispatch {
  /** Id of the run, a UUIDv7. */
  readonly run: string
  readonly incident: string
  readonly attempt: number
  /** No result after it. Milliseconds since the Unix epoch. */
  readonly deadline: number
  /** Where the result is posted to, and with which bearer token: single-use, good for this run only, until the deadline. */
  readonly result_url: string
  readonly result_token: string
  /** Words of ours only: what is asked, which actions may be proposed, how to answer. */
  readonly instructions: string
  /**
   * One JSON string literal of printable ASCII, quotes included: all that attackers may have written is inside it and nowhere
   * else. What is in the string is JSON again.
   */
  readonly data: string
  /** Issues that the incident has in trackers. */
  readonly issues: readonly { readonly tracker: string; readonly id: string; readonly key: string }[]
  /** Whether an earlier call for this run may have reached the agent. */
  readonly resumed: boolean
}

export type Dispatched =
  /** The agent has it. `external` is what its side calls the run. */
  | { readonly kind: 'accepted'; readonly external?: string }
  /** The agent has no place for it now, nothing was handed over. */
  | { readonly kind: 'busy'; readonly retry_after_ms: number; readonly reason: string }
  | { readonly kind: 'completed'; readonly result: RunResult }

/** One configured agent. */
export interface Agent {
  readonly id: string
  readonly type: AgentType
  /**
   * Hands a run over. Handing over the same run twice must make the agent work once, as far as its side can know.
   *
   * @throws AgentError; `retryable` and `ambiguous` say what may be done about it
   */
  dispatch(dispatch: Dispatch, signal: AbortSignal): Promise<Dispatched>
  /** Asks for the result of a run that the agent has; undefined while there is none. For sides that tell nobody by themselves. */
  poll?(
    run: { readonly id: string; readonly external?: string },
    signal: AbortSignal,
  ): Promise<RunResult | undefined>
  /** Tells the agent's side that a run is over, where it keeps count. Told twice it changes nothing. */
  finish?(
    run: { readonly id: string; readonly external?: string },
    result: RunResult,
    signal: AbortSignal,
  ): Promise<void>
  close(): Promise<void>
}
