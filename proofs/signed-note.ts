import { Buffer } from 'node:buffer'
import { decodeBase64, encodeBase64 } from './base64.js'
import { compareBytes, concatBytes, decodeUtf8, utf8Bytes, viewOf } from './bytes.js'
import { ProofError } from './errors.js'
import { formatKeyId, isKeyName } from './note-key.js'
import type { NoteSigner, NoteVerifier } from './note-key.js'

/** Most signature lines of an entry, and of any note unless its reader asks for more. */
export const MAX_SIGNATURES = 16
/** Largest note that is looked at at all, in bytes. */
export const MAX_NOTE_BYTES = 1_000_000
/** Largest decoded signature with its key id, in bytes: room for post-quantum ones. */
const MAX_SIGNATURE_BYTES = 8192

/** One line `— name base64(key id ‖ signature)`. */
export interface NoteSignature {
  readonly name: string
  readonly keyId: number
  /** Without the key id. */
  readonly signature: Uint8Array
}

/** A parsed note. Nothing in it is trustworthy before its signatures are verified. */
export interface SignedNote {
  /** With its final newline. */
  readonly text: string
  /** The bytes that signatures cover. */
  readonly textBytes: Uint8Array
  readonly signatures: readonly NoteSignature[]
}

const SIGNATURE_START = '\u2014 '

function malformed(message: string): ProofError {
  return new ProofError('malformed_note', message)
}

/** The control characters that a note must not hold: all below U+0020 but the newline. */
// oxlint-disable-next-line no-control-regex -- naming them is the point
const FORBIDDEN_CONTROL = /[\u0000-\u0009\u000b-\u001f]/

/**
 * Decodes text that may stand in a note: UTF-8, no control character but the newline, ending in a newline.
 *
 * @throws ProofError `malformed_note`
 */
export function decodeNoteText(bytes: Uint8Array): string {
  if (bytes.length > MAX_NOTE_BYTES) throw new ProofError('too_large', `a note of ${bytes.length} bytes`)
  const text = decodeUtf8(bytes)
  if (text === undefined) throw malformed('the note is not UTF-8')
  if (FORBIDDEN_CONTROL.test(text)) throw malformed('the note holds a control character')
  if (!text.endsWith('\n')) throw malformed('the note does not end in a newline')
  return text
}

/**
 * Parses a C2SP signed note. Strict: UTF-8, no control character but the newline, a last blank line before the
 * signatures, 1 to 16 of them, canonical base64.
 *
 * @param maxSignatures another bound on their number, for checkpoints with many witnesses
 * @throws ProofError `malformed_note` or `too_large`
 */
export function parseNote(bytes: Uint8Array, maxSignatures = MAX_SIGNATURES): SignedNote {
  const whole = decodeNoteText(bytes)
  const split = whole.lastIndexOf('\n\n')
  if (split < 0) throw malformed('the note has no signatures')
  const text = whole.slice(0, split + 1)
  const block = whole.slice(split + 2)
  const lines = block.split('\n', maxSignatures + 2)
  if (lines.length > maxSignatures + 1) throw malformed(`more than ${maxSignatures} signatures`)
  lines.pop()
  if (lines.length === 0) throw malformed('the note has no signatures')
  const textBytes = bytes.subarray(0, bytes.length - Buffer.byteLength(block) - 1)
  return { text, textBytes, signatures: lines.map(parseSignatureLine) }
}

function parseSignatureLine(line: string): NoteSignature {
  if (!line.startsWith(SIGNATURE_START)) throw malformed('a signature line does not start with an em dash')
  const space = line.indexOf(' ', SIGNATURE_START.length)
  if (space < 0) throw malformed('a signature line has no signature')
  const name = line.slice(SIGNATURE_START.length, space)
  if (!isKeyName(name)) throw malformed('a signature line has a malformed key name')
  const encoded = line.slice(space + 1)
  const decoded = encoded.length <= MAX_SIGNATURE_BYTES * 2 ? decodeBase64(encoded) : undefined
  if (decoded === undefined || decoded.length < 5 || decoded.length > MAX_SIGNATURE_BYTES)
    throw malformed(`the signature of ${name} is not canonical base64 of a key id and a signature`)
  return { name, keyId: viewOf(decoded).readUInt32BE(0), signature: decoded.subarray(4) }
}

/** One signature line with its newline. */
export function formatSignatureLine(signature: NoteSignature): string {
  const id = Buffer.alloc(4)
  id.writeUInt32BE(signature.keyId)
  return `${SIGNATURE_START}${signature.name} ${encodeBase64(concatBytes(id, signature.signature))}\n`
}

/** Writes a note: text, blank line, signature lines in the order given. */
export function formatNote(text: Uint8Array, signatures: readonly NoteSignature[]): Uint8Array {
  return concatBytes(text, utf8Bytes(`\n${signatures.map(formatSignatureLine).join('')}`))
}

/** The order in which signature lines of our entries stand: by the bytes of the name, then by key id. */
export function compareSignatures(
  a: Pick<NoteSignature, 'name' | 'keyId'>,
  b: Pick<NoteSignature, 'name' | 'keyId'>,
): number {
  return compareBytes(utf8Bytes(a.name), utf8Bytes(b.name)) || a.keyId - b.keyId
}

/**
 * Signs a text with 1 to 16 keys. The signature lines are sorted, so that one set of keys makes one note.
 *
 * @param text ends in a newline
 * @throws ProofError `malformed_note` when the text cannot stand in a note or two signers are the same
 */
export function signNote(text: string | Uint8Array, signers: readonly NoteSigner[]): Uint8Array {
  const bytes = typeof text === 'string' ? utf8Bytes(text) : text
  decodeNoteText(bytes)
  if (signers.length === 0 || signers.length > MAX_SIGNATURES)
    throw malformed(`a note has 1 to ${MAX_SIGNATURES} signatures, not ${signers.length}`)
  const signatures = signers
    .map((signer) => ({ name: signer.name, keyId: signer.keyId, signature: signer.sign(bytes) }))
    .toSorted(compareSignatures)
  assertSorted(signatures)
  return formatNote(bytes, signatures)
}

/** Adds signature lines to a note as they come: a log's note collects its cosignatures so. */
export function appendSignatures(note: Uint8Array, signatures: readonly NoteSignature[]): Uint8Array {
  return concatBytes(note, utf8Bytes(signatures.map(formatSignatureLine).join('')))
}

/** A signature that was found good, with the key that made it. */
export interface VerifiedSignature {
  readonly verifier: NoteVerifier
  readonly signature: NoteSignature
}

/** What the known keys say about a note. */
export interface NoteVerification {
  readonly verified: readonly VerifiedSignature[]
  /** Lines of keys that are not known; they say nothing. */
  readonly unknown: readonly NoteSignature[]
}

function findVerifier(
  signature: NoteSignature,
  verifiers: readonly NoteVerifier[],
): NoteVerifier | undefined {
  const found = verifiers.filter((key) => key.keyId === signature.keyId && key.name === signature.name)
  // Two known keys behind one (name, key id) could both be meant; signed-note leaves that to the verifier.
  if (found.length > 1)
    throw new ProofError('unknown_key', `two known keys share the name ${signature.name} and its key id`)
  return found[0]
}

/**
 * Verifies a note as C2SP signed-note says: unknown keys are ignored, a known key whose signature fails spoils the note,
 * and at least one known key must have signed.
 *
 * @throws ProofError `bad_signature` or `unknown_key`
 */
export function verifyNote(note: SignedNote, verifiers: readonly NoteVerifier[]): NoteVerification {
  const verified: VerifiedSignature[] = []
  const unknown: NoteSignature[] = []
  for (const signature of note.signatures) {
    const verifier = findVerifier(signature, verifiers)
    if (verifier === undefined) {
      unknown.push(signature)
    } else if (verifier.verify(note.textBytes, signature.signature)) {
      verified.push({ verifier, signature })
    } else {
      throw new ProofError('bad_signature', `the signature of ${signature.name} does not verify`)
    }
  }
  if (verified.length === 0) throw new ProofError('unknown_key', 'no signature is by a known key')
  return { verified, unknown }
}

/**
 * Verifies a note that becomes a leaf: every line must be by a known key, each key at most once, sorted as
 * {@link compareSignatures} says. Otherwise a junk line would make a second leaf of one statement.
 *
 * @throws ProofError `malformed_note`, `unknown_key` or `bad_signature`
 */
export function verifyNoteStrictly(note: SignedNote, verifiers: readonly NoteVerifier[]): NoteVerification {
  assertSorted(note.signatures)
  for (const signature of note.signatures) {
    if (findVerifier(signature, verifiers) === undefined)
      throw new ProofError(
        'unknown_key',
        `no known key is ${signature.name} with key id ${formatKeyId(signature.keyId)}`,
      )
  }
  return verifyNote(note, verifiers)
}

/** @throws ProofError `malformed_note` when signature lines are not strictly ascending */
export function assertSorted(signatures: readonly NoteSignature[]): void {
  signatures.forEach((signature, i) => {
    const previous = signatures[i - 1]
    if (previous === undefined) return
    const order = compareSignatures(previous, signature)
    if (order === 0) throw malformed(`${signature.name} signed twice`)
    if (order > 0) throw malformed('the signature lines are not sorted by name and key id')
  })
}
