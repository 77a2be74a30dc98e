/**
 * - `RPC_FAILED` an endpoint did not answer, or not with JSON-RPC
 * - `RPC_REFUSED` an endpoint answered with an error
 * - `RPC_MALFORMED` an endpoint answered what the method cannot answer
 * - `RPC_INCONSISTENT` an endpoint contradicts itself
 * - `WRONG_CHAIN` an endpoint serves another chain than the configured one
 * - `WRONG_CODE` the contract has no code, or another than the configured hash
 * - `ANCHOR_KEY` the secret is no secp256k1 private key, or two targets share it on one chain
 * - `ANCHOR_STORE` the records cannot be opened
 * - `HEAD_AHEAD` the chain has a larger tree of this log than the log itself: its data is older than that
 * - `HEAD_FORKED` the chain has another root for a tree of this log
 * - `ANCHOR_REVERTED` the contract would refuse, or refused, the anchor
 * - `DEPLOY_FAILED` the contract could not be deployed
 * - `NOT_BUILT` the compiled contract is not in the build
 */
export type AnchorErrorCode =
  | 'ANCHOR_KEY'
  | 'ANCHOR_REVERTED'
  | 'ANCHOR_STORE'
  | 'DEPLOY_FAILED'
  | 'HEAD_AHEAD'
  | 'HEAD_FORKED'
  | 'NOT_BUILT'
  | 'RPC_FAILED'
  | 'RPC_INCONSISTENT'
  | 'RPC_MALFORMED'
  | 'RPC_REFUSED'
  | 'WRONG_CHAIN'
  | 'WRONG_CODE'

/** What goes wrong between the log and a chain. Messages name endpoints by host only: a URL may hold a key. */
export class AnchorError extends Error {
  override readonly name = 'AnchorError'
  readonly code: AnchorErrorCode

  constructor(code: AnchorErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
