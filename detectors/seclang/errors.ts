import type { SourcePosition } from './operator.js'

export type SecLangErrorCode =
  | 'SECLANG_SYNTAX'
  | 'SECLANG_UNKNOWN_DIRECTIVE'
  | 'SECLANG_UNKNOWN_VARIABLE'
  | 'SECLANG_UNKNOWN_OPERATOR'
  | 'SECLANG_UNKNOWN_TRANSFORMATION'
  | 'SECLANG_UNKNOWN_ACTION'
  | 'SECLANG_BAD_ARGUMENT'
  | 'SECLANG_PATTERN'
  | 'SECLANG_DUPLICATE_ID'
  | 'SECLANG_INCLUDE'
  | 'SECLANG_REFUSED'

/** A rule file that cannot be honoured. The message names file and line, the directive or value, and what is wrong. */
export class SecLangError extends Error {
  override readonly name = 'SecLangError'

  constructor(
    readonly code: SecLangErrorCode,
    message: string,
    readonly position: SourcePosition,
    options?: { readonly cause?: unknown },
  ) {
    super(`${position.file}:${position.line}: ${message}`, options)
  }
}
