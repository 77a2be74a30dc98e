/**
 * The machine words for what is wrong with a ledger artefact. They are a public format: the command line prints them,
 * the API returns them, and a word never changes its meaning.
 */
export const PROOF_CODES = [
  'malformed_note',
  'malformed_action',
  'malformed_seal',
  'malformed_checkpoint',
  'malformed_proof',
  'malformed_receipt',
  'malformed_policy',
  'malformed_key',
  'malformed_bundle',
  'too_large',
  'not_canonical',
  'duplicate_key',
  'unknown_key',
  'key_not_valid_at',
  'key_reused',
  'weak_key',
  'bad_signature',
  'unsigned',
  'wrong_session',
  'seq_gap',
  'forked',
  'truncated',
  'not_included',
  'bad_root',
  'inconsistent',
  'quorum_unmet',
  'anchor_missing',
  'anchor_not_final',
  'anchor_mismatch',
  'wrong_submitter',
  'equivocation',
  'malformed_opening',
  'commitment_mismatch',
] as const

/** One of {@link PROOF_CODES}. */
export type ProofCode = (typeof PROOF_CODES)[number]

const MAX_MESSAGE = 500

/**
 * Thrown by every parser and checker of this folder. `code` is the stable upper-case word (`NOT_CANONICAL`),
 * `machineCode` the same word as verification results spell it (`not_canonical`).
 */
export class ProofError extends Error {
  override readonly name = 'ProofError'
  readonly code: Uppercase<ProofCode>
  readonly machineCode: ProofCode

  /**
   * @param machineCode what is wrong
   * @param message where and how, for people; never holds secret bytes
   */
  constructor(machineCode: ProofCode, message: string, options?: { cause?: unknown }) {
    super(printable(message), options)
    this.machineCode = machineCode
    this.code = upperCase(machineCode)
  }
}

/**
 * Messages quote hostile input: what could steer a terminal or reorder a line is spelled out, and a long one is cut so
 * that it does not flood a log.
 */
function printable(message: string): string {
  const cut = message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}…` : message
  return cut.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, (one) => `\\u{${one.codePointAt(0)?.toString(16) ?? ''}}`)
}

function upperCase<T extends string>(word: T): Uppercase<T> {
  return word.toUpperCase() as Uppercase<T>
}

/** Runs `work` and hands back either its value or the {@link ProofError} it threw; other errors pass through. */
export function attempt<T>(work: () => T): { readonly value: T } | { readonly error: ProofError } {
  try {
    return { value: work() }
  } catch (error) {
    if (error instanceof ProofError) return { error }
    throw error
  }
}
