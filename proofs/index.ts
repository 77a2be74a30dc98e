/**
 * Portcullis proofs: the ledger's formats and mathematics, without any I/O.
 *
 * @module portcullis/proofs
 */
export * from './errors.js'
export * from './merkle.js'
export * from './compact-range.js'
export * from './note-key.js'
export * from './signed-note.js'
export * from './ed25519.js'
