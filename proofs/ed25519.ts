import { createPrivateKey, createPublicKey, randomBytes, sign, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { Buffer } from 'node:buffer'
import { encodeHex, viewOf } from './bytes.js'
import { isOnCurve, isWeakEncoding } from './edwards25519.js'
import { ProofError } from './errors.js'

/** Bytes of an Ed25519 public key, and of the seed of a private one. */
export const KEY_SIZE = 32
/** Bytes of an Ed25519 signature. */
export const SIGNATURE_SIZE = 64

/** L, the order of the prime subgroup, little-endian (RFC 8032 section 5.1). */
const GROUP_ORDER = Buffer.from('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010', 'hex')
/** PKCS#8 frame (RFC 8410 section 7) around a seed of 32 bytes. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
/** Key objects kept; importing one costs more than looking it up, and a log sees few keys often. */
const CACHED_KEYS = 4096

const imported = new Map<string, KeyObject>()

/**
 * The key object of a raw public key, checked and cached.
 *
 * @param publicKey 32 bytes (RFC 8032 section 5.1.5)
 * @throws ProofError `weak_key` for a point of small order or a second spelling of a point, under which one signature
 *   can fit every message; `malformed_key` for anything that is no point of the curve
 */
export function importPublicKey(publicKey: Uint8Array): KeyObject {
  const id = viewOf(publicKey).toString('latin1')
  const known = imported.get(id)
  if (known !== undefined) return known
  checkPublicKey(publicKey)
  const key = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: viewOf(publicKey).toString('base64url') },
    format: 'jwk',
  })
  if (imported.size >= CACHED_KEYS) {
    const oldest = imported.keys().next()
    if (oldest.done !== true) imported.delete(oldest.value)
  }
  imported.set(id, key)
  return key
}

/**
 * Refuses what must never be trusted as a public key; the same errors as {@link importPublicKey}.
 */
export function checkPublicKey(publicKey: Uint8Array): void {
  if (publicKey.length !== KEY_SIZE)
    throw new ProofError('malformed_key', `an Ed25519 public key is 32 bytes long, not ${publicKey.length}`)
  if (isWeakEncoding(publicKey))
    throw new ProofError(
      'weak_key',
      `public key ${encodeHex(publicKey)} is of small order or not canonically encoded`,
    )
  if (!isOnCurve(publicKey))
    throw new ProofError('malformed_key', `public key ${encodeHex(publicKey)} is not a point of the curve`)
}

/** Whether S of a signature is below the group order, as RFC 8032 section 5.1.7 demands; only then is it unique. */
function hasCanonicalScalar(signature: Uint8Array): boolean {
  for (let i = 31; i >= 0; i--) {
    const difference = (signature[32 + i] ?? 0) - (GROUP_ORDER[i] ?? 0)
    if (difference !== 0) return difference < 0
  }
  return false
}

/**
 * Verifies an Ed25519 signature (RFC 8032 section 5.1.7).
 *
 * @throws ProofError as {@link importPublicKey}; a signature of any shape gives true or false
 */
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const key = importPublicKey(publicKey)
  if (signature.length !== SIGNATURE_SIZE || !hasCanonicalScalar(signature)) return false
  return verify(null, message, key, signature)
}

/** {@link verifyEd25519} on the thread pool, so that a server uses every core. Rejects where the other throws. */
export async function verifyEd25519Async(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const key = importPublicKey(publicKey)
  if (signature.length !== SIGNATURE_SIZE || !hasCanonicalScalar(signature)) return false
  return new Promise((resolve, reject) => {
    verify(null, message, key, signature, (error, ok) => {
      if (error === null) resolve(ok)
      else reject(error)
    })
  })
}

/** A private key that signs; the seed stays inside. */
export interface Ed25519PrivateKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** Deterministic signature of 64 bytes. */
  sign(message: Uint8Array): Uint8Array
}

/** A fresh seed of 32 random bytes. */
export function generateSeed(): Uint8Array {
  return randomBytes(KEY_SIZE)
}

/**
 * Imports a private key from its seed (RFC 8032 section 5.1.5).
 *
 * @throws ProofError `malformed_key` when the seed is not 32 bytes long
 */
export function importPrivateKey(seed: Uint8Array): Ed25519PrivateKey {
  if (seed.length !== KEY_SIZE)
    throw new ProofError('malformed_key', `an Ed25519 seed is 32 bytes long, not ${seed.length}`)
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const jwk = createPublicKey(key).export({ format: 'jwk' })
  return {
    publicKey: Uint8Array.from(Buffer.from(jwk.x ?? '', 'base64url')),
    sign: (message) => sign(null, message, key),
  }
}
