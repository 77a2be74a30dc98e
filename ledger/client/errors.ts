/**
 * - `CLIENT_CLOSED` the client was closed, or the outbox under it was
 * - `DUPLICATE_ID` an action with this id was recorded a moment ago
 * - `KEY_OF_ANOTHER` the key file holds the key of another agent
 * - `UNRECORDED` the outbox did not take what waited in time; the message says how much is lost
 */
export type LedgerClientErrorCode = 'CLIENT_CLOSED' | 'DUPLICATE_ID' | 'KEY_OF_ANOTHER' | 'UNRECORDED'

/** What goes wrong between a role and the outbox. An action that no schema fits is a `ProofError` of `record`. */
export class LedgerClientError extends Error {
  override readonly name = 'LedgerClientError'
  readonly code: LedgerClientErrorCode

  constructor(code: LedgerClientErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
