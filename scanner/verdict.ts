/** What the scanner says about one path. "Clean" is said only of a file that every engine has read to its end. */
export type FileVerdict = 'clean' | 'suspicious' | 'malicious' | 'error' | 'skipped'

export type EngineName = 'hash' | 'yara' | 'onnx' | 'heuristic' | 'archive' | 'limit' | 'file'

/**
 * What a reason raises the verdict to, weakest first. A `note` is told and raises nothing; `skipped` says that a part was
 * not looked at on purpose, `error` that it should have been and could not.
 */
export const LEVELS = ['note', 'skipped', 'error', 'suspicious', 'malicious'] as const
export type Level = (typeof LEVELS)[number]

export interface Reason {
  readonly engine: EngineName
  /** Rule name, list entry, or the name of the limit or error. */
  readonly rule: string
  readonly level: Level
  /** 0 to 100, where the rule states one. */
  readonly score?: number
  /** What was found inside an archive: the names from the outermost in, joined by `!`. */
  readonly member?: string
  /** With `max_reasons`: how many more there are. */
  readonly count?: number
  /** Detail for a person. */
  readonly detail?: string
}

export interface FileResult {
  /** As given or walked to. Bytes that are no UTF-8 show as U+FFFD; `path_base64` then holds the exact name. */
  readonly path: string
  readonly path_base64?: string
  readonly verdict: FileVerdict
  readonly reasons: readonly Reason[]
  readonly sha256?: string
  /** Bytes. */
  readonly size?: number
  /** Milliseconds spent on this file. */
  readonly ms: number
}

export const isFound = (verdict: FileVerdict): boolean => verdict === 'malicious' || verdict === 'suspicious'

/** Whether the content was read, so that it is known which bytes were judged. */
export const isRead = (
  result: FileResult,
): result is FileResult & { readonly sha256: string; readonly size: number } =>
  result.sha256 !== undefined && result.size !== undefined

/** The verdict that follows from all reasons: the strongest level, and clean only when none raises it. */
export function verdictOf(reasons: readonly Reason[]): FileVerdict {
  let strongest = 0
  for (const { level } of reasons) strongest = Math.max(strongest, LEVELS.indexOf(level))
  const level = LEVELS[strongest]
  return level === undefined || level === 'note' ? 'clean' : level
}

/** The path as text for people and JSON, with the exact bytes beside it when text cannot hold them. */
export function describePath(path: Buffer): { path: string; path_base64?: string } {
  const text = path.toString('utf8')
  return Buffer.from(text, 'utf8').equals(path)
    ? { path: text }
    : { path: text, path_base64: path.toString('base64') }
}
