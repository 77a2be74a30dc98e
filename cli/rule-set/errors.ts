export type RuleSetErrorCode =
  | 'RULE_SET_DIGEST'
  | 'RULE_SET_ARCHIVE'
  | 'RULE_SET_TOO_LARGE'
  | 'RULE_SET_SOURCE'
  | 'RULE_SET_VERSION'
  | 'RULE_SET_REFUSED'
  | 'RULE_SET_NO_PREVIOUS'

/** A rule set that is not taken over; what was current stays current. */
export class RuleSetError extends Error {
  override readonly name = 'RuleSetError'

  constructor(
    readonly code: RuleSetErrorCode,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options)
  }
}
