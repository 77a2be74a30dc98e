/** What the scanner says about one path. "Clean" is said only of a file that every engine has read to its end. */
export type FileVerdict = 'clean' | 'suspicious' | 'malicious' | 'error' | 'skipped'

export type EngineName = 'hash' | 'yara' | 'limit' | 'file'

export interface Reason {
  readonly engine: EngineName
  /** Rule name, list entry, or the name of the limit or error. */
  readonly rule: string
  /** 0 to 100, where the rule states one. */
  readonly score?: number
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

/** The path as text for people and JSON, with the exact bytes beside it when text cannot hold them. */
export function describePath(path: Buffer): { path: string; path_base64?: string } {
  const text = path.toString('utf8')
  return Buffer.from(text, 'utf8').equals(path)
    ? { path: text }
    : { path: text, path_base64: path.toString('base64') }
}
