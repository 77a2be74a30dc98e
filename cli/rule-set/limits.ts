const MIB = 1024 * 1024

/** What a release may be at most; a real one is a tenth of it. Over one of them nothing is taken over. */
export interface RuleSetLimits {
  /** Bytes of the archive as it comes. */
  readonly archiveBytes: number
  /** Bytes of all files together, unpacked. */
  readonly unpackedBytes: number
  /** Files and folders. */
  readonly entries: number
  /** Folders above a file. */
  readonly depth: number
}

export const RULE_SET_LIMITS: RuleSetLimits = {
  archiveBytes: 64 * MIB,
  unpackedBytes: 128 * MIB,
  entries: 20_000,
  depth: 16,
}
