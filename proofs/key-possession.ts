import { decodeBase64, encodeBase64 } from './base64.js'
import { utf8Bytes } from './bytes.js'
import { verifyEd25519 } from './ed25519.js'
import { ProofError } from './errors.js'
import { isKeyName } from './note-key.js'

/** First line of the text that proves possession of a key. */
export const POSSESSION_LINE = 'portcullis.dev/key-pop/v1'

/** What a proof of possession binds together. */
export interface PossessionClaim {
  /** The log that the key is registered with, so that a proof made for one log is none for another. */
  readonly origin: string
  /** Name that the key will sign under. */
  readonly name: string
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** 32 to 64 lower-case hexadecimal digits, fresh for each registration. */
  readonly nonce: string
}

/**
 * The text that a key signs to prove that it is held by whoever registers it: domain line, origin, name, base64 key and
 * nonce, one per line.
 *
 * @throws ProofError `malformed_key` when a part could be taken for another line
 */
export function keyPossessionText({ origin, name, publicKey, nonce }: PossessionClaim): Uint8Array {
  if (!isKeyName(origin) || !isKeyName(name) || !/^[0-9a-f]{32,64}$/.test(nonce))
    throw new ProofError('malformed_key', `no possession of ${name} can be proven with these names and nonce`)
  return utf8Bytes(`${POSSESSION_LINE}\n${origin}\n${name}\n${encodeBase64(publicKey)}\n${nonce}\n`)
}

/**
 * Proves possession: the base64 signature that `key.register` and `key.rotate` carry as `possession`.
 *
 * @param key what signs plain Ed25519: a private key or a note signer
 */
export function provePossession(
  claim: Omit<PossessionClaim, 'publicKey'>,
  key: { readonly publicKey: Uint8Array; sign(text: Uint8Array): Uint8Array },
): string {
  return encodeBase64(key.sign(keyPossessionText({ ...claim, publicKey: key.publicKey })))
}

/**
 * Verifies a proof of possession.
 *
 * @throws ProofError `bad_signature`, `malformed_key` or `weak_key`
 */
export function verifyPossession(claim: PossessionClaim, possession: string): void {
  const signature = decodeBase64(possession)
  if (signature === undefined || !verifyEd25519(claim.publicKey, keyPossessionText(claim), signature))
    throw new ProofError('bad_signature', `possession of the key ${claim.name} is not proven`)
}
