import { decodeBase64, encodeBase64 } from './base64.js'
import { concatBytes, utf8Bytes } from './bytes.js'
import { parseDecimal } from './checkpoint.js'
import { ProofError } from './errors.js'
import { HASH_SIZE } from './hashing.js'
import { decodeNoteText, MAX_NOTE_BYTES } from './signed-note.js'

/** Most consistency proof lines of a request (C2SP tlog-witness): enough for any tree below 2^63 entries. */
export const MAX_CONSISTENCY_LINES = 63

/** What a log asks a witness to cosign: the body of `add-checkpoint` (C2SP tlog-witness). */
export interface AddCheckpoint {
  /** Size that the log believes the witness cosigned last; 0 for none. */
  readonly oldSize: number
  /** Consistency proof from `oldSize` to the checkpoint; empty when that is 0 or the same. */
  readonly proof: readonly Uint8Array[]
  /** The signed checkpoint. */
  readonly checkpoint: Uint8Array
}

function malformed(message: string): ProofError {
  return new ProofError('malformed_proof', message)
}

/** Writes the body of a request. */
export function formatAddCheckpoint({ oldSize, proof, checkpoint }: AddCheckpoint): Uint8Array {
  const head = [`old ${oldSize}`, ...proof.map(encodeBase64)].join('\n')
  return concatBytes(utf8Bytes(`${head}\n\n`), checkpoint)
}

/**
 * Reads the body of a request; base64 must be canonical.
 *
 * @throws ProofError `malformed_proof`, `malformed_note` or `too_large`; the checkpoint itself is not looked at
 */
export function parseAddCheckpoint(bytes: Uint8Array): AddCheckpoint {
  if (bytes.length > MAX_NOTE_BYTES) throw new ProofError('too_large', `a request of ${bytes.length} bytes`)
  const end = bytes.findIndex((byte, i) => byte === 0x0a && bytes[i + 1] === 0x0a)
  if (end < 0) throw malformed('there is no empty line before the checkpoint')
  const [first = '', ...lines] = decodeNoteText(bytes.subarray(0, end + 1))
    .slice(0, -1)
    .split('\n')
  const oldSize = first.startsWith('old ') ? parseDecimal(first.slice('old '.length)) : undefined
  if (oldSize === undefined) throw malformed('the first line is not `old` and a decimal size')
  if (lines.length > MAX_CONSISTENCY_LINES) throw malformed(`more than ${MAX_CONSISTENCY_LINES} hashes`)
  return { oldSize, proof: lines.map(readHash), checkpoint: bytes.subarray(end + 2) }
}

function readHash(line: string): Uint8Array {
  const hash = decodeBase64(line)
  if (hash?.length !== HASH_SIZE) throw malformed('a proof line is not the canonical base64 of 32 bytes')
  return hash
}
