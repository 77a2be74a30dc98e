/** What receipts and bundles share: one object of canonical JSON, a newline, and exactly one spelling. */
import { MAX_ENTRY_BYTES } from './action.js'
import { decodeBase64 } from './base64.js'
import { concatBytes, decodeUtf8, utf8Bytes } from './bytes.js'
import { canonicalBytes, isCanonicalObject } from './canonical-json.js'
import type { CanonicalObject, CanonicalValue } from './canonical-json.js'
import { parseCanonical } from './canonical-parser.js'
import type { CanonicalLimits } from './canonical-parser.js'
import { ProofError } from './errors.js'
import type { ProofCode } from './errors.js'
import { HASH_SIZE } from './hashing.js'
import { MAX_PROOF_HASHES } from './merkle.js'

const MAX_CHECKPOINT_BYTES = 128 * 1024

/** Writes a container: canonical JSON and a newline. */
export function formatContainer(container: CanonicalObject): Uint8Array {
  return concatBytes(canonicalBytes(container), utf8Bytes('\n'))
}

/**
 * The JSON of a container.
 *
 * @param code what a missing newline is called
 * @throws ProofError `code`, `not_canonical`, `duplicate_key` or `too_large`
 */
export function parseContainer(bytes: Uint8Array, code: ProofCode, limits: CanonicalLimits): CanonicalValue {
  if (bytes.length > limits.maxBytes + 1) throw new ProofError('too_large', `a file of ${bytes.length} bytes`)
  if (bytes.at(-1) !== 0x0a) throw new ProofError(code, 'the file does not end in a newline')
  return parseCanonical(bytes.subarray(0, -1), limits)
}

/** The text of a checkpoint as a member. */
export function checkpointText(checkpoint: Uint8Array, code: ProofCode): string {
  const text = decodeUtf8(checkpoint)
  if (text === undefined) throw new ProofError(code, 'the checkpoint is not UTF-8')
  return text
}

/** The members of one object of a container, read by type; anything else in it is refused. */
export class Members {
  readonly #object: CanonicalObject
  readonly #path: string
  readonly #code: ProofCode

  /** @throws ProofError `code`, naming the member, as all methods do */
  constructor(
    value: CanonicalValue,
    code: ProofCode,
    path: string,
    required: readonly string[],
    optional: readonly string[] = [],
  ) {
    this.#path = path
    this.#code = code
    if (!isCanonicalObject(value)) throw this.#malformed('is not an object')
    for (const key of Object.keys(value)) {
      if (!required.includes(key) && !optional.includes(key)) throw this.#malformed('is not known', key)
    }
    for (const key of required) {
      if (!Object.hasOwn(value, key)) throw this.#malformed('is missing', key)
    }
    this.#object = value
  }

  optional(key: string): CanonicalValue | undefined {
    return Object.hasOwn(this.#object, key) ? this.#object[key] : undefined
  }

  string(key: string): string {
    const value = this.#object[key]
    if (typeof value !== 'string') throw this.#malformed('is not a string', key)
    return value
  }

  /** A whole number from 0. */
  integer(key: string): number {
    const value = this.#object[key]
    if (typeof value !== 'number' || value < 0) throw this.#malformed('is not a number from 0', key)
    return value
  }

  /** Bytes of at most one entry, in base64. */
  bytes(key: string): Uint8Array {
    const bytes = decodeBase64(this.string(key))
    if (bytes === undefined) throw this.#malformed('is not canonical base64', key)
    if (bytes.length > MAX_ENTRY_BYTES) throw this.#malformed('is too long', key)
    return bytes
  }

  list(key: string, maxItems: number): readonly CanonicalValue[] {
    const value = this.#object[key]
    if (!Array.isArray(value) || value.length > maxItems)
      throw this.#malformed(`is not a list of at most ${maxItems}`, key)
    return value
  }

  /** Text of a signed checkpoint. */
  checkpoint(key: string): Uint8Array {
    const checkpoint = utf8Bytes(this.string(key))
    if (checkpoint.length > MAX_CHECKPOINT_BYTES) throw this.#malformed('is too long', key)
    return checkpoint
  }

  hashes(key: string, maxItems = MAX_PROOF_HASHES): Uint8Array[] {
    return this.list(key, maxItems).map((item, i) => {
      const hash = typeof item === 'string' ? decodeBase64(item) : undefined
      if (hash?.length !== HASH_SIZE) throw this.#malformed('is not a hash in base64', `${key}[${i}]`)
      return hash
    })
  }

  #malformed(problem: string, key?: string): ProofError {
    return new ProofError(this.#code, `${this.#path}${key === undefined ? '' : `.${key}`} ${problem}`)
  }
}
