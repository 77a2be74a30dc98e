export type ScanErrorCode =
  | 'SCAN_HASH_LIST'
  | 'SCAN_YARA_RULES'
  | 'SCAN_MODEL'
  | 'SCAN_WORKER'
  | 'SCAN_REPORT'
  | 'SCAN_SURVEY'
  | 'SCAN_CONTROL'
  | 'SIGNATURES_KEY'
  | 'SIGNATURES_SOURCE'
  | 'SIGNATURES_UNTRUSTED'
  | 'SIGNATURES_REFUSED'
  | 'SIGNATURES_ROLLBACK'
  | 'SIGNATURES_BUSY'
  | 'QUARANTINE_KEY'
  | 'QUARANTINE_CHANGED'
  | 'QUARANTINE_NOT_FOUND'
  | 'QUARANTINE_DAMAGED'
  | 'QUARANTINE_TARGET'
  | 'QUARANTINE_IO'
  | 'RESPONSE_STORE'
  | 'RESPONSE_FULL'
  | 'RESPONSE_OFF'
  | 'RESPONSE_PROTECTED'
  | 'RESPONSE_NEEDS_PERSON'
  | 'RESPONSE_NOT_MALICIOUS'
  | 'RESPONSE_NOT_HELD'
  | 'RESPONSE_NOT_UNDONE'
  | 'RESPONSE_EXPIRED'

/** Anything that keeps the scanner or the vault from doing its work; `code` is stable. */
export class ScanError extends Error {
  override readonly name = 'ScanError'

  constructor(
    readonly code: ScanErrorCode,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options)
  }
}
