export type AgentErrorCode =
  | 'AGENT_UNKNOWN'
  | 'AGENT_DISABLED'
  | 'AGENT_REFUSED'
  | 'AGENT_UNREACHABLE'
  | 'AGENT_ANSWER'
  | 'AGENT_SANDBOX'
  | 'RUN_UNKNOWN'
  | 'RUN_RESULT_INVALID'
  | 'RUN_TOKEN'
  | 'TUNNEL_ENVELOPE'
  | 'TUNNEL_SECRET'

/** A failure between us and an agent; `code` is stable. */
export class AgentError extends Error {
  override readonly name = 'AgentError'

  constructor(
    readonly code: AgentErrorCode,
    message: string,
    options: {
      readonly cause?: unknown
      /** Whether the same call may succeed later. Default false. */
      readonly retryable?: boolean
      /** Whether the agent may have taken the run all the same. Default false. */
      readonly ambiguous?: boolean
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.retryable = options.retryable ?? false
    this.ambiguous = options.ambiguous ?? false
  }

  readonly retryable: boolean
  readonly ambiguous: boolean
}
