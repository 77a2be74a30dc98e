/**
 * - `BAD_COMMITMENT` what names a body is not the hash of a commitment
 * - `BODY_DAMAGED` what is kept as a body does not open its commitment
 * - `CLIENT_FULL` more actions wait for a ledger elsewhere than are kept in memory
 * - `CLIENT_CLOSED` the client was closed, or the outbox under it was
 * - `DUPLICATE_ID` an action with this id was recorded a moment ago
 * - `KEY_OF_ANOTHER` the key file holds the key of another agent
 * - `REFUSED` a ledger elsewhere will never take it; the message holds its code
 * - `UNPROVEN` a ledger elsewhere acknowledged what it does not prove
 * - `UNRECORDED` the outbox, or a ledger elsewhere, did not take what waited in time; the message says how much is lost
 */
export type LedgerClientErrorCode =
  | 'BAD_COMMITMENT'
  | 'BODY_DAMAGED'
  | 'CLIENT_CLOSED'
  | 'CLIENT_FULL'
  | 'DUPLICATE_ID'
  | 'KEY_OF_ANOTHER'
  | 'REFUSED'
  | 'UNPROVEN'
  | 'UNRECORDED'

/** What goes wrong between a role and the outbox. An action that no schema fits is a `ProofError` of `record`. */
export class LedgerClientError extends Error {
  override readonly name = 'LedgerClientError'
  readonly code: LedgerClientErrorCode

  constructor(code: LedgerClientErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
