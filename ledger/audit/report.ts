import type { ProofCode } from '../../proofs/errors.js'

/**
 * What an audit can find wrong. The codes of `proofs/` keep their meaning; those that only a whole log can have are
 *
 * - `bad_entry`: an entry does not have the leaf hash that the tree has for it
 * - `bad_tile`: a tile does not have the hashes that the entries give
 * - `missing`: a file that the checkpoint calls for is not there
 * - `unsupported_leaf`: the log hashes its leaves in a way other than SHA-256(0x00 ‖ entry)
 * - `unreachable`: a file could not be read
 */
export type AuditCode = ProofCode | 'bad_entry' | 'bad_tile' | 'missing' | 'unsupported_leaf' | 'unreachable'

/** One thing that is wrong. */
export interface AuditFinding {
  readonly code: AuditCode
  /** The file below the log's prefix, when it is about one. */
  readonly path?: string
  readonly message: string
  /** The log index of the entry that it is about. */
  readonly index?: number
}

/** Ends an audit that cannot go on. */
export class AuditStop extends Error {
  override readonly name = 'AuditStop'

  constructor(readonly finding: AuditFinding) {
    super(finding.message)
  }
}

/** Findings that are kept; further ones are counted. */
const MAX_FINDINGS = 100

/** Collects findings; memory stays flat however damaged a log is. */
export class Findings {
  readonly #list: AuditFinding[] = []
  #count = 0

  add(finding: AuditFinding): void {
    this.#count++
    if (this.#list.length < MAX_FINDINGS) this.#list.push(finding)
  }

  /** The first ones. */
  get list(): readonly AuditFinding[] {
    return this.#list
  }

  get count(): number {
    return this.#count
  }
}

/** What was read. */
export interface AuditCounts {
  readonly entries: number
  readonly bundles: number
  readonly tiles: number
  /** Partial tiles and bundles beside those that the checkpoint calls for. */
  readonly partials: number
  /** Further checkpoints. */
  readonly checkpoints: number
  /** Partial tiles that are wider than the checkpoint's tree, and so could not be checked. */
  readonly ahead: number
}

export interface AuditReport extends AuditCounts {
  readonly ok: boolean
  /** Of the first finding. */
  readonly code?: AuditCode
  /** Of the checkpoint, once its signature was found good. */
  readonly origin?: string
  readonly size?: number
  /** Base64. */
  readonly root?: string
  /** Names of the given keys that signed the checkpoint. */
  readonly signers?: readonly string[]
  readonly findings: readonly AuditFinding[]
  /** All findings, also those that are not listed. */
  readonly found: number
}
