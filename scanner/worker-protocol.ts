import type { FileResult } from './verdict.js'

/** What the pool tells a worker process, and what comes back. Sent with V8 serialisation, so paths stay bytes. */

export interface WorkerSettings {
  readonly hashLists: readonly string[]
  readonly yaraFiles: readonly string[]
  /** Bytes. */
  readonly maxFileSize: number
}

export type ToWorker =
  | { readonly type: 'load'; readonly settings: WorkerSettings }
  | { readonly type: 'judge'; readonly id: number; readonly path: Uint8Array }

export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly code: string; readonly message: string }
  | { readonly type: 'result'; readonly id: number; readonly result: FileResult }
