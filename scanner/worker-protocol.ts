import type { ArchiveLimits } from './archive/limits.js'
import type { LoadedYara, YaraChoice } from './engines/yara-rules.js'
import type { ScanPolicy } from './policy.js'
import type { BlockedHashes } from './response/blocked-hash.js'
import type { FileResult } from './verdict.js'

/** What the pool tells a worker process, and what comes back. Sent with V8 serialisation, so that paths stay bytes. */

export interface WorkerSettings {
  /** Prepared databases. */
  readonly hashDatabases: readonly string[]
  readonly blocked: BlockedHashes
  /** Files, and folders of them. */
  readonly yaraRules: readonly string[]
  readonly yaraEngine: YaraChoice
  readonly policy: ScanPolicy
  /** Folders with a model and its `model.json`. */
  readonly models: readonly string[]
  /** Bytes. */
  readonly maxFileSize: number
  /** Judge files as they are, without what is packed in them. */
  readonly raw: boolean
  /** Of what is packed in them. */
  readonly archives: ArchiveLimits
}

/** What a worker has loaded: the same in all workers of a pool. */
export interface Loaded {
  readonly yara: LoadedYara
}

/** A file to open, or a content that came over a connection. */
export type Work = { readonly path: Uint8Array } | { readonly content: Uint8Array; readonly name: string }

/** What a worker says of one piece of work; the pool knows what it was called. */
export type Judged = Omit<FileResult, 'path' | 'path_base64'>

export type ToWorker =
  | { readonly type: 'load'; readonly settings: WorkerSettings }
  /** From now on these digests are blocked, and no others. */
  | { readonly type: 'block'; readonly blocked: BlockedHashes }
  /** Work that is done in this order. */
  | { readonly type: 'judge'; readonly work: readonly Work[] }

export type FromWorker =
  | { readonly type: 'ready'; readonly loaded: Loaded }
  | { readonly type: 'failed'; readonly code: string; readonly message: string }
  /** Answers to the oldest work that has none yet, in its order. */
  | { readonly type: 'judged'; readonly results: readonly Judged[] }

/** The descriptor on which a worker finds the file of its {@link ProgressMark}. */
export const PROGRESS_DESCRIPTOR = 4
