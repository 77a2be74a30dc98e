import { decode, encode, rfc8949EncodeOptions } from 'cborg'
import { concatBytes, equalBytes } from './bytes.js'
import { verifyEd25519 } from './ed25519.js'
import { ProofError } from './errors.js'
import { HASH_SIZE, sha256 } from './hashing.js'
import { MAX_PROOF_HASHES, rootFromInclusion } from './merkle.js'
import type { NoteSigner, NoteVerifier } from './note-key.js'
import type { Policy } from './policy.js'

/** Media type of a COSE receipt. */
export const COSE_TYPE = 'application/cose; cose-type="cose-sign1"'
/** Largest receipt that is looked at: a path of 64 hashes and its headers. */
const MAX_BYTES = 8192

/** CBOR tag of COSE_Sign1 (RFC 9052 section 2). */
const SIGN1_TAG = Uint8Array.of(0xd2)
/** Header parameters and values: RFC 9052, RFC 9597 (CWT claims), RFC 9942 (verifiable data structures). */
const ALG = 1
const KID = 4
const CWT_CLAIMS = 15
const VDS = 395
const VDP = 396
const EDDSA = -8
const ISS = 1
const RFC9162_SHA256 = 1
const INCLUSION = -1

/** Where an entry stands, proven by a signature over the root that its path leads to. */
export interface CoseReceipt {
  /** Origin of the log. */
  readonly origin: string
  /** Not signed: RFC 9942 signs the root alone, and one path can fit several sizes. */
  readonly size: number
  readonly index: number
  /** From the leaf's sibling up. */
  readonly proof: readonly Uint8Array[]
}

function malformed(message: string, cause?: unknown): ProofError {
  return new ProofError('malformed_receipt', message, { cause })
}

const cbor = (value: unknown): Uint8Array => encode(value, rfc8949EncodeOptions)

/** Thumbprint of an Ed25519 key (RFC 9679): SHA-256 over its COSE_Key of kty, crv and x. */
export function coseKeyThumbprint(publicKey: Uint8Array): Uint8Array {
  const key = new Map<number, unknown>([
    [1, 1],
    [-1, 6],
    [-2, publicKey],
  ])
  return sha256(cbor(key))
}

/** What the log signs (RFC 9052 section 4.4): the root is a detached payload. No note starts with such a byte. */
function signatureInput(protectedHeader: Uint8Array, root: Uint8Array): Uint8Array {
  return cbor(['Signature1', protectedHeader, new Uint8Array(0), root])
}

/**
 * Writes a receipt of inclusion as COSE_Sign1 (RFC 9942 section 5, profile RFC9162_SHA256). It says of an entry what a
 * tlog-proof says, to software that speaks COSE; it holds no entry, no seal and no cosignatures.
 *
 * @param root of the tree of `size` entries
 * @param signer the log's own key
 */
export function formatCoseReceipt(
  receipt: Omit<CoseReceipt, 'origin'>,
  root: Uint8Array,
  signer: NoteSigner,
): Uint8Array {
  const { size, index, proof } = receipt
  const protectedHeader = cbor(
    new Map<number, unknown>([
      [ALG, EDDSA],
      [KID, coseKeyThumbprint(signer.publicKey)],
      [CWT_CLAIMS, new Map([[ISS, signer.name]])],
      [VDS, RFC9162_SHA256],
    ]),
  )
  const proofs = new Map([[VDP, new Map([[INCLUSION, [cbor([size, index, [...proof]])]]])]])
  const signature = signer.sign(signatureInput(protectedHeader, root))
  return concatBytes(SIGN1_TAG, cbor([protectedHeader, proofs, null, signature]))
}

interface Sign1 {
  readonly receipt: CoseReceipt
  readonly kid: Uint8Array
  readonly protectedHeader: Uint8Array
  readonly signature: Uint8Array
}

/**
 * Reads a receipt as {@link formatCoseReceipt} writes it: deterministic CBOR, these headers and no others, one proof.
 *
 * @throws ProofError `malformed_receipt` or `too_large`
 */
export function parseCoseReceipt(bytes: Uint8Array): CoseReceipt {
  return parseSign1(bytes).receipt
}

/**
 * Verifies that a leaf is in a log of the policy. The checkpoint's quorum is not looked at: a COSE receipt has none.
 *
 * @param leaf RFC 6962 leaf hash of the entry
 * @throws ProofError `malformed_receipt`; `unknown_key` when no log of the policy has this name and key; `not_included`
 *   when the path does not fit index and size; `bad_signature` when the log did not sign the root that leaf and path lead
 *   to: the leaf, the path and the signature cannot be told apart here
 */
export function verifyCoseReceipt(bytes: Uint8Array, leaf: Uint8Array, policy: Policy): CoseReceipt {
  const { receipt, kid, protectedHeader, signature } = parseSign1(bytes)
  const { index, size, proof, origin } = receipt
  const log = logOf(policy, origin, kid)
  const root = rootFromInclusion(index, size, leaf, proof)
  if (root === undefined)
    throw new ProofError('not_included', `no path of ${proof.length} hashes leads from ${index} to ${size}`)
  if (!verifyEd25519(log.publicKey, signatureInput(protectedHeader, root), signature))
    throw new ProofError('bad_signature', `${origin} did not sign the root that this entry leads to`)
  return receipt
}

function logOf(policy: Policy, origin: string, kid: Uint8Array): NoteVerifier {
  const found = policy.logs.find(
    ({ verifier }) => verifier.name === origin && equalBytes(coseKeyThumbprint(verifier.publicKey), kid),
  )
  if (found === undefined) throw new ProofError('unknown_key', `no known key of the log ${origin} signed it`)
  return found.verifier
}

function parseSign1(bytes: Uint8Array): Sign1 {
  if (bytes.length > MAX_BYTES) throw new ProofError('too_large', `a COSE receipt of ${bytes.length} bytes`)
  if (bytes[0] !== SIGN1_TAG[0]) throw malformed('it is not a tagged COSE_Sign1')
  const parts = readCbor(bytes.subarray(1))
  if (!Array.isArray(parts) || parts.length !== 4) throw malformed('it is not a COSE_Sign1 of four parts')
  const [protectedHeader, unprotected, payload, signature]: unknown[] = parts
  if (!(protectedHeader instanceof Uint8Array) || !(signature instanceof Uint8Array))
    throw malformed('the protected header or the signature is not a byte string')
  if (payload !== null) throw malformed('the payload is not detached')
  const header = members(readCbor(protectedHeader), [ALG, KID, CWT_CLAIMS, VDS], 'the protected header')
  if (header.get(ALG) !== EDDSA) throw malformed('the algorithm is not EdDSA')
  if (header.get(VDS) !== RFC9162_SHA256) throw malformed('the data structure is not RFC9162_SHA256')
  const kid = header.get(KID)
  const origin = members(header.get(CWT_CLAIMS), [ISS], 'the claims').get(ISS)
  if (!(kid instanceof Uint8Array) || typeof origin !== 'string') throw malformed('kid or issuer is missing')
  const proofs = members(members(unprotected, [VDP], 'the header').get(VDP), [INCLUSION], 'the proofs')
  return { receipt: { origin, ...inclusionOf(proofs.get(INCLUSION)) }, kid, protectedHeader, signature }
}

function inclusionOf(value: unknown): Omit<CoseReceipt, 'origin'> {
  const encoded: unknown = Array.isArray(value) && value.length === 1 ? value[0] : undefined
  if (!(encoded instanceof Uint8Array)) throw malformed('it does not hold one inclusion proof')
  const inclusion = readCbor(encoded)
  if (!Array.isArray(inclusion) || inclusion.length !== 3) throw malformed('the proof has not three parts')
  const [size, index, path]: unknown[] = inclusion
  if (!isCount(size) || !isCount(index)) throw malformed('tree size or leaf index is not a number')
  if (!Array.isArray(path) || path.length > MAX_PROOF_HASHES) throw malformed('the path is not a list')
  const proof = path.map((hash: unknown) => {
    if (!(hash instanceof Uint8Array) || hash.length !== HASH_SIZE) throw malformed('a hash is not 32 bytes')
    return hash
  })
  return { size, index, proof }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

/** A map with these integer keys and no others. */
function members(value: unknown, keys: readonly number[], what: string): ReadonlyMap<unknown, unknown> {
  if (!(value instanceof Map) || value.size !== keys.length || !keys.every((key) => value.has(key)))
    throw malformed(`${what} does not hold just ${keys.join(', ')}`)
  return value
}

/** Reads CBOR that must be in its deterministic form, so that one receipt has one spelling. */
function readCbor(bytes: Uint8Array): unknown {
  let value: unknown
  try {
    value = decode(bytes, {
      useMaps: true,
      strict: true,
      rejectDuplicateMapKeys: true,
      allowIndefinite: false,
      allowUndefined: false,
      allowBigInt: false,
    })
    if (equalBytes(cbor(value), bytes)) return value
  } catch (cause) {
    throw malformed('it is not CBOR', cause)
  }
  throw malformed('it is not deterministic CBOR')
}
