/** What a file with a blocked digest is: a person's word makes it malicious, nobody else's more than suspicious. */
export type BlockedLevel = 'malicious' | 'suspicious'

/** Blocked digests: SHA-256 in lower-case hex. */
export type BlockedHashes = ReadonlyMap<string, BlockedLevel>

/** Digests that can be blocked at a time; lists of more belong into a hash database. */
export const MOST_BLOCKED = 100_000
