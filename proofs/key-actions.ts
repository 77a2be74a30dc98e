import { signAction } from './action.js'
import type { ActionPayload } from './action.js'
import { encodeBase64 } from './base64.js'
import type { CanonicalObject } from './canonical-json.js'
import { provePossession } from './key-possession.js'
import type { KeyPurpose } from './key-directory.js'
import type { NoteSigner } from './note-key.js'

/** What every key entry needs from outside: its place in a session and its time. */
export interface KeyActionContext {
  /** Lower-case UUIDv7. */
  readonly id: string
  /** A session of the signer; key entries open none, so that one may stand alone as `seq` 0. */
  readonly session: string
  readonly seq?: number
  /** Milliseconds since the Unix epoch. */
  readonly ts: number
  readonly reason?: string
}

/** A key that asks to be registered, with the proof that it is held. */
export interface KeyClaim {
  readonly name: string
  readonly publicKey: Uint8Array
  readonly nonce: string
  /** Base64, as `provePossession` makes it. */
  readonly possession: string
  readonly purpose?: Exclude<KeyPurpose, 'root'>
}

/** `key.register`: the root introduces a key. */
export function signRegistration(claim: KeyClaim, root: NoteSigner, context: KeyActionContext): Uint8Array {
  const { nonce, possession, purpose } = claim
  return signAction(
    payload('key.register', root.name, context, {
      key: keyObject(claim),
      nonce,
      possession,
      ...(purpose === undefined ? {} : { purpose }),
    }),
    [root],
  )
}

/**
 * `key.rotate`: a key hands over to its successor of the same name; both sign.
 *
 * @param origin of the log, which the proof of possession names
 * @param nonce 32 to 64 lower-case hexadecimal digits, fresh
 */
export function signRotation(
  previous: NoteSigner,
  next: NoteSigner,
  { origin, nonce }: { readonly origin: string; readonly nonce: string },
  context: KeyActionContext,
): Uint8Array {
  const members = {
    key: keyObject(next),
    previous: keyObject(previous),
    nonce,
    possession: provePossession({ origin, name: next.name, nonce }, next),
  }
  return signAction(payload('key.rotate', previous.name, context, members), [previous, next])
}

/** Why a key is revoked. */
export type RevocationCause = 'compromised' | 'superseded' | 'retired' | 'unspecified'

/** `key.revoke`, by the root or by the key itself. */
export function signRevocation(
  key: { readonly name: string; readonly publicKey: Uint8Array },
  signer: NoteSigner,
  cause: RevocationCause,
  context: KeyActionContext,
): Uint8Array {
  return signAction(payload('key.revoke', signer.name, context, { key: keyObject(key), cause }), [signer])
}

function keyObject({ name, publicKey }: { readonly name: string; readonly publicKey: Uint8Array }) {
  return { name, alg: 'ed25519', public_key: encodeBase64(publicKey) }
}

function payload(
  kind: 'key.register' | 'key.rotate' | 'key.revoke',
  agent: string,
  { id, session, seq = 0, ts, reason }: KeyActionContext,
  members: CanonicalObject,
): ActionPayload {
  return { ...members, v: 1, id, agent, session, seq, ts, kind, ...(reason === undefined ? {} : { reason }) }
}
