/**
 * Portcullis proofs: the ledger's formats and mathematics, without any I/O.
 *
 * @module portcullis/proofs
 */
export * from './errors.js'
export * from './base64.js'
export * from './merkle.js'
export * from './compact-range.js'
export * from './note-key.js'
export * from './signed-note.js'
export * from './ed25519.js'
export * from './canonical-json.js'
export * from './canonical-parser.js'
export * from './kinds/index.js'
export * from './action.js'
export * from './seal.js'
export * from './entry.js'
export * from './checkpoint.js'
export * from './tile.js'
export * from './tlog-proof.js'
export * from './add-checkpoint.js'
export * from './policy.js'
export * from './receipt.js'
export * from './verify.js'
export * from './key-possession.js'
export * from './equivocation.js'
export * from './equivocation-proof.js'
export * from './session.js'
