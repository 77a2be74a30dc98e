/**
 * The ledger's client for programs that use Portcullis as a library.
 *
 * @module portcullis/ledger/client
 */
export { LedgerClient } from './remote-client.js'
export type { RecordedAction, LedgerClientOptions } from './remote-client.js'
export { BodyStore } from './body-store.js'
export type { KeptBody } from './body-store.js'
export { LedgerClientError } from './errors.js'
export type { LedgerClientErrorCode } from './errors.js'
export type { ActionValue } from './types.js'
