/**
 * Re-reads a whole C2SP tlog-tiles log: the checkpoint's signature, every entry's leaf hash, every tile of every level,
 * the root. What is held in memory does not grow with the log.
 */
import { encodeBase64 } from '../../proofs/base64.js'
import { ProofError } from '../../proofs/errors.js'
import type { NoteVerifier } from '../../proofs/note-key.js'
import { LedgerError } from '../errors.js'
import { readHead, readOlderHeads } from './heads.js'
import type { Head } from './heads.js'
import { AuditStop, Findings } from './report.js'
import type { AuditFinding, AuditReport } from './report.js'
import type { TreeSource } from './source.js'
import { TreeAudit } from './tree-audit.js'

/** Bundles that are read ahead. */
const CONCURRENCY = 8

/** Judges what entries say, on top of the tree over them. */
export interface EntryCheck {
  /** Takes the next entry; entries come in the order of their indexes. */
  take(index: number, entry: Uint8Array, leaf: Uint8Array): Iterable<AuditFinding>
  /** After the last entry. */
  end(): Iterable<AuditFinding>
}

export interface AuditOptions {
  /** Keys that a checkpoint is believed by. */
  readonly keys: readonly NoteVerifier[]
  readonly entries?: EntryCheck
  /** Told after every bundle how many of the log's entries are done. */
  readonly onProgress?: (done: number, size: number) => void
  /** Bundles that are read ahead. */
  readonly concurrency?: number
}

/**
 * Audits a log; what is wrong with it stands in the report.
 *
 * @throws RuntimeError `OUTBOUND_REFUSED`
 */
export async function auditLog(source: TreeSource, options: AuditOptions): Promise<AuditReport> {
  const findings = new Findings()
  let head: Head | undefined
  let tree: TreeAudit | undefined
  let checkpoints = 0
  try {
    head = await readHead(source, 'checkpoint', options.keys)
    if (head === undefined) {
      findings.add({ code: 'missing', path: 'checkpoint', message: 'the log has no checkpoint' })
    } else {
      const older = await readOlderHeads(source, head, options.keys, findings)
      checkpoints = older.length
      tree = new TreeAudit(source, head, older, findings, { concurrency: CONCURRENCY, ...options })
      await tree.run()
    }
  } catch (error) {
    findings.add(endOf(error))
  }
  const [first] = findings.list
  return {
    ok: first === undefined,
    ...(first !== undefined && { code: first.code }),
    ...(head !== undefined && {
      origin: head.origin,
      size: head.size,
      root: encodeBase64(head.root),
      signers: head.signers,
    }),
    ...(tree?.counts ?? { entries: 0, bundles: 0, tiles: 0, partials: 0, ahead: 0 }),
    checkpoints,
    findings: findings.list,
    found: findings.count,
  }
}

/** Why an audit could not go on. */
function endOf(error: unknown): AuditFinding {
  if (error instanceof AuditStop) return error.finding
  if (error instanceof ProofError) return { code: error.machineCode, message: error.message }
  if (error instanceof LedgerError && error.code === 'TOO_LARGE')
    return { code: 'too_large', message: error.message }
  if (error instanceof LedgerError && error.code === 'UNREACHABLE')
    return { code: 'unreachable', message: error.message }
  throw error
}
