import { decodeBase64, encodeBase64 } from './base64.js'
import { concatBytes, decodeUtf8, utf8Bytes } from './bytes.js'
import { canonicalBytes, isCanonicalObject } from './canonical-json.js'
import type { CanonicalObject, CanonicalValue } from './canonical-json.js'
import { parseCanonical } from './canonical-parser.js'
import { MAX_ENTRY_BYTES } from './action.js'
import { ProofError } from './errors.js'
import { HASH_SIZE, MAX_PROOF_HASHES } from './merkle.js'

/** Member `format` of a receipt; another version is another format. */
export const RECEIPT_FORMAT = 'portcullis.dev/receipt/v1'
/** Largest receipt file, in bytes. */
export const MAX_RECEIPT_BYTES = 512 * 1024
const MAX_CHECKPOINT_BYTES = 128 * 1024

/** The seal of a sealed entry and where it stands. */
export interface ReceiptSeal {
  /** The seal's own entry, a signed note. */
  readonly entry: Uint8Array
  /** Its log index. */
  readonly index: number
  /** Inclusion proof of the seal under the receipt's checkpoint. */
  readonly proof: readonly Uint8Array[]
  /** Position of the entry among those that the seal covers, from 0. */
  readonly position: number
  /** Path from the entry to the root that the seal signs. */
  readonly path: readonly Uint8Array[]
}

/**
 * Everything that proves one entry offline, except whom to trust: that comes from the verifier's policy. A receipt holds
 * no key on purpose.
 */
export interface Receipt {
  /** The entry as it is in the log. */
  readonly entry: Uint8Array
  /** Its log index. */
  readonly index: number
  /** Inclusion proof of the entry under the checkpoint. */
  readonly proof: readonly Uint8Array[]
  /** Only for an entry without a signature of its own. */
  readonly seal?: ReceiptSeal
  /** The signed checkpoint with its cosignatures. */
  readonly checkpoint: Uint8Array
}

function malformed(message: string): ProofError {
  return new ProofError('malformed_receipt', message)
}

/** Writes a receipt file: canonical JSON and a newline. */
export function formatReceipt(receipt: Receipt): Uint8Array {
  const checkpoint = decodeUtf8(receipt.checkpoint)
  if (checkpoint === undefined) throw malformed('the checkpoint is not UTF-8')
  const { seal } = receipt
  const container: CanonicalObject = {
    format: RECEIPT_FORMAT,
    checkpoint,
    entry: encodeBase64(receipt.entry),
    index: receipt.index,
    proof: receipt.proof.map(encodeBase64),
    ...(seal === undefined
      ? {}
      : {
          seal: {
            entry: encodeBase64(seal.entry),
            index: seal.index,
            path: seal.path.map(encodeBase64),
            position: seal.position,
            proof: seal.proof.map(encodeBase64),
          },
        }),
  }
  const bytes = concatBytes(canonicalBytes(container), utf8Bytes('\n'))
  parseReceipt(bytes)
  return bytes
}

/**
 * Reads a receipt file. There is exactly one spelling of a receipt: canonical JSON, canonical base64, a final newline,
 * these members and no others.
 *
 * @throws ProofError `malformed_receipt`, `not_canonical`, `duplicate_key` or `too_large`
 */
export function parseReceipt(bytes: Uint8Array): Receipt {
  if (bytes.at(-1) !== 0x0a) throw malformed('the receipt does not end in a newline')
  const value = parseCanonical(bytes.subarray(0, -1), { maxBytes: MAX_RECEIPT_BYTES, maxDepth: 4 })
  const members = new Members(value, 'receipt', ['checkpoint', 'entry', 'format', 'index', 'proof'], ['seal'])
  if (members.string('format') !== RECEIPT_FORMAT) throw malformed(`receipt.format is not ${RECEIPT_FORMAT}`)
  const checkpoint = utf8Bytes(members.string('checkpoint'))
  if (checkpoint.length > MAX_CHECKPOINT_BYTES) throw malformed('receipt.checkpoint is too long')
  const receipt = {
    entry: members.bytes('entry'),
    index: members.integer('index'),
    proof: members.hashes('proof'),
    checkpoint,
  }
  const seal = members.optional('seal')
  return seal === undefined ? receipt : { ...receipt, seal: parseReceiptSeal(seal) }
}

function parseReceiptSeal(value: CanonicalValue): ReceiptSeal {
  const members = new Members(value, 'receipt.seal', ['entry', 'index', 'path', 'position', 'proof'], [])
  return {
    entry: members.bytes('entry'),
    index: members.integer('index'),
    proof: members.hashes('proof'),
    position: members.integer('position'),
    path: members.hashes('path'),
  }
}

/** The members of one object of the container, read by type. */
class Members {
  readonly #object: CanonicalObject
  readonly #path: string

  constructor(value: CanonicalValue, path: string, required: readonly string[], optional: readonly string[]) {
    if (!isCanonicalObject(value)) throw malformed(`${path} is not an object`)
    for (const key of Object.keys(value)) {
      if (!required.includes(key) && !optional.includes(key)) throw malformed(`${path}.${key} is not known`)
    }
    for (const key of required) {
      if (!Object.hasOwn(value, key)) throw malformed(`${path}.${key} is missing`)
    }
    this.#object = value
    this.#path = path
  }

  optional(key: string): CanonicalValue | undefined {
    return Object.hasOwn(this.#object, key) ? this.#object[key] : undefined
  }

  string(key: string): string {
    const value = this.#object[key]
    if (typeof value !== 'string') throw malformed(`${this.#path}.${key} is not a string`)
    return value
  }

  integer(key: string): number {
    const value = this.#object[key]
    if (typeof value !== 'number' || value < 0) throw malformed(`${this.#path}.${key} is not a number from 0`)
    return value
  }

  bytes(key: string): Uint8Array {
    const bytes = decodeBase64(this.string(key))
    if (bytes === undefined) throw malformed(`${this.#path}.${key} is not canonical base64`)
    if (bytes.length > MAX_ENTRY_BYTES) throw malformed(`${this.#path}.${key} is too long`)
    return bytes
  }

  hashes(key: string): Uint8Array[] {
    const value = this.#object[key]
    if (!Array.isArray(value) || value.length > MAX_PROOF_HASHES)
      throw malformed(`${this.#path}.${key} is not a list of at most ${MAX_PROOF_HASHES} hashes`)
    const items: readonly CanonicalValue[] = value
    return items.map((item, i) => {
      const hash = typeof item === 'string' ? decodeBase64(item) : undefined
      if (hash?.length !== HASH_SIZE) throw malformed(`${this.#path}.${key}[${i}] is not a hash in base64`)
      return hash
    })
  }
}
