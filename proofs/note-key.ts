import { Buffer } from 'node:buffer'
import { decodeBase64, encodeBase64 } from './base64.js'
import { concatBytes, utf8Bytes, viewOf } from './bytes.js'
import { importPrivateKey, importPublicKey, KEY_SIZE, verifyEd25519 } from './ed25519.js'
import { ProofError } from './errors.js'
import { sha256 } from './hashing.js'

/** Longest key name, in UTF-8 bytes. */
export const MAX_KEY_NAME = 200

/** Signature type bytes of C2SP signed-note that this code knows. */
export const SIGNATURE_TYPES = {
  /** Ed25519 over the note text. */
  ed25519: 0x01,
  /** Timestamped Ed25519 cosignature of a checkpoint (C2SP tlog-cosignature). */
  cosignature: 0x04,
} as const

export type SignatureType = (typeof SIGNATURE_TYPES)[keyof typeof SIGNATURE_TYPES]

/** A public key that may have signed a note: the tuple (name, keyId) is what a signature line carries. */
export interface NoteVerifier {
  readonly name: string
  /** First four bytes of the key hash, big-endian. */
  readonly keyId: number
  readonly type: SignatureType
  /** 32 bytes, checked by `checkPublicKey`. */
  readonly publicKey: Uint8Array
  /**
   * Whether `signature` (without the key id) is one of this key over `text`, the note text with its final newline. A
   * cosignature covers its own time and the text.
   */
  verify(text: Uint8Array, signature: Uint8Array): boolean
}

/** A private key that signs notes under a name. */
export interface NoteSigner {
  readonly name: string
  readonly keyId: number
  readonly type: SignatureType
  readonly publicKey: Uint8Array
  /** The signature without the key id. */
  sign(text: Uint8Array): Uint8Array
}

// oxlint-disable-next-line no-control-regex -- control characters cannot stand in a note
const FORBIDDEN_IN_NAME = /[\p{White_Space}\p{Cs}\u0000-\u001f+]/u

/** Whether a name can stand in a signature line: not empty, no space of any script, no plus, at most 200 bytes. */
export function isKeyName(name: string): boolean {
  return (
    name.length > 0 &&
    name.length <= MAX_KEY_NAME &&
    Buffer.byteLength(name) <= MAX_KEY_NAME &&
    !FORBIDDEN_IN_NAME.test(name)
  )
}

function checkKeyName(name: string): void {
  if (!isKeyName(name)) throw new ProofError('malformed_key', `${JSON.stringify(name)} cannot be a key name`)
}

/** Key id of C2SP signed-note: the first four bytes of SHA-256(name ‖ 0x0A ‖ type ‖ public key). */
export function keyId(name: string, type: number, publicKey: Uint8Array): number {
  const hash = sha256(concatBytes(utf8Bytes(name), Uint8Array.of(0x0a, type), publicKey))
  return viewOf(hash).readUInt32BE(0)
}

/** Eight hexadecimal digits of a key id, as vkeys spell it. */
export function formatKeyId(id: number): string {
  return id.toString(16).padStart(8, '0')
}

/** The message that a cosignature of `time` (seconds) signs (C2SP tlog-cosignature). */
export function cosignatureMessage(time: bigint, text: Uint8Array): Uint8Array {
  return concatBytes(utf8Bytes(`cosignature/v1\ntime ${time}\n`), text)
}

/** Time of a cosignature in seconds since the epoch, or `undefined` when it is not one. */
export function cosignatureTime(signature: Uint8Array): bigint | undefined {
  return signature.length === 72 ? viewOf(signature).readBigUInt64BE(0) : undefined
}

/**
 * A verifier from a raw public key.
 *
 * @throws ProofError `malformed_key` or `weak_key`
 */
export function noteVerifier(
  name: string,
  publicKey: Uint8Array,
  type: SignatureType = SIGNATURE_TYPES.ed25519,
): NoteVerifier {
  checkKeyName(name)
  importPublicKey(publicKey)
  const key = Uint8Array.from(publicKey)
  const verify =
    type === SIGNATURE_TYPES.ed25519
      ? (text: Uint8Array, signature: Uint8Array) => verifyEd25519(key, text, signature)
      : (text: Uint8Array, signature: Uint8Array) => {
          const time = cosignatureTime(signature)
          return (
            time !== undefined && verifyEd25519(key, cosignatureMessage(time, text), signature.subarray(8))
          )
        }
  return { name, keyId: keyId(name, type, key), type, publicKey: key, verify }
}

/** A signer of plain Ed25519 note signatures from a seed. */
export function noteSigner(name: string, seed: Uint8Array): NoteSigner {
  checkKeyName(name)
  const key = importPrivateKey(seed)
  const type = SIGNATURE_TYPES.ed25519
  return {
    name,
    type,
    publicKey: key.publicKey,
    keyId: keyId(name, type, key.publicKey),
    sign: (text) => key.sign(text),
  }
}

/**
 * A signer of timestamped cosignatures with the same private key, as a witness makes them.
 *
 * @param key a signer of plain signatures
 * @param now current time in milliseconds since the epoch; the signature holds whole seconds
 */
export function cosigner(key: NoteSigner, now: () => number): NoteSigner {
  const { name, publicKey } = key
  const type = SIGNATURE_TYPES.cosignature
  return {
    name,
    type,
    publicKey,
    keyId: keyId(name, type, publicKey),
    sign: (text) => {
      const seconds = BigInt(Math.floor(now() / 1000))
      const time = Buffer.alloc(8)
      time.writeBigUInt64BE(seconds)
      return concatBytes(time, key.sign(cosignatureMessage(seconds, text)))
    },
  }
}

/** `name+hexid+base64(type ‖ public key)` (C2SP signed-note, verifier keys). */
export function encodeVkey(key: {
  readonly name: string
  readonly type: SignatureType
  readonly publicKey: Uint8Array
}): string {
  const id = formatKeyId(keyId(key.name, key.type, key.publicKey))
  return `${key.name}+${id}+${encodeBase64(concatBytes(Uint8Array.of(key.type), key.publicKey))}`
}

/**
 * Reads a vkey.
 *
 * @throws ProofError `malformed_key` for wrong spelling, a key id that does not fit, or a signature type other than
 *   0x01 and 0x04; `weak_key` for a key of small order
 */
export function decodeVkey(vkey: string): NoteVerifier {
  const { name, id, type, key } = splitKey(vkey, 'vkey')
  if (type !== SIGNATURE_TYPES.ed25519 && type !== SIGNATURE_TYPES.cosignature)
    throw new ProofError('malformed_key', `signature type ${type} of key ${name} is not supported`)
  const verifier = noteVerifier(name, key, type)
  if (formatKeyId(verifier.keyId) !== id)
    throw new ProofError('malformed_key', `key id ${id} does not belong to key ${name}`)
  return verifier
}

const SECRET_PREFIX = 'PRIVATE+KEY+'

/** `PRIVATE+KEY+name+hexid+base64(0x01 ‖ seed)`, the spelling of Go's sumdb notes. A secret. */
export function encodeSecretKey(name: string, seed: Uint8Array): string {
  const signer = noteSigner(name, seed)
  return `${SECRET_PREFIX}${name}+${formatKeyId(signer.keyId)}+${encodeBase64(concatBytes(Uint8Array.of(0x01), seed))}`
}

/**
 * Reads what {@link encodeSecretKey} wrote. Its errors never hold any of the text.
 *
 * @returns the signer and the seed, for those who need another signature type of the same key
 */
export function decodeSecretKey(text: string): { readonly signer: NoteSigner; readonly seed: Uint8Array } {
  if (!text.startsWith(SECRET_PREFIX)) throw new ProofError('malformed_key', 'not a private note key')
  const { name, id, type, key } = splitKey(text.slice(SECRET_PREFIX.length), 'private note key')
  if (type !== SIGNATURE_TYPES.ed25519)
    throw new ProofError('malformed_key', 'not an Ed25519 private note key')
  const signer = noteSigner(name, key)
  if (formatKeyId(signer.keyId) !== id)
    throw new ProofError('malformed_key', `key id does not belong to private key ${name}`)
  return { signer, seed: key }
}

function splitKey(text: string, what: string): { name: string; id: string; type: number; key: Uint8Array } {
  // Only the first two plus signs separate: base64 uses the sign too.
  const first = text.indexOf('+')
  const second = text.indexOf('+', first + 1)
  const name = text.slice(0, Math.max(first, 0))
  const id = text.slice(first + 1, Math.max(second, 0))
  const bytes = text.length <= 512 && second > first ? decodeBase64(text.slice(second + 1)) : undefined
  const type = bytes?.[0]
  if (!isKeyName(name) || !/^[0-9a-f]{8}$/.test(id) || bytes === undefined || type === undefined)
    throw new ProofError('malformed_key', `malformed ${what}`)
  const key = bytes.subarray(1)
  if (key.length !== KEY_SIZE && (type === SIGNATURE_TYPES.ed25519 || type === SIGNATURE_TYPES.cosignature))
    throw new ProofError('malformed_key', `malformed ${what}: the key is not 32 bytes long`)
  return { name, id, type, key }
}
