import { hash } from 'node:crypto'
import { Buffer } from 'node:buffer'

/** Bytes of a SHA-256 hash. */
export const HASH_SIZE = 32

// One-shot hashing needs its input in one piece. The scratch buffers are filled and hashed within one synchronous
// call, so nothing else can see them half written.
const nodeInput = Buffer.alloc(1 + 2 * HASH_SIZE)
nodeInput[0] = 1
const leafInput = Buffer.alloc(1 + 65_536)

/** SHA-256 of the bytes. Node gives a string of bytes out in a fifth of the time that it needs for a Buffer. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return Buffer.from(hash('sha256', bytes, 'binary'), 'latin1')
}

/** RFC 6962 section 2.1: the hash of one entry, SHA-256(0x00 ‖ entry). */
export function leafHash(entry: Uint8Array): Uint8Array {
  if (entry.length < leafInput.length) {
    leafInput.set(entry, 1)
    return sha256(leafInput.subarray(0, entry.length + 1))
  }
  const input = Buffer.allocUnsafe(entry.length + 1)
  input[0] = 0
  input.set(entry, 1)
  return sha256(input)
}

/** RFC 6962 section 2.1: the hash of an inner node, SHA-256(0x01 ‖ left ‖ right). Both are 32 bytes. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  if (left.length !== HASH_SIZE || right.length !== HASH_SIZE)
    throw new RangeError('a node is hashed from two hashes of 32 bytes')
  nodeInput.set(left, 1)
  nodeInput.set(right, 1 + HASH_SIZE)
  return sha256(nodeInput)
}
