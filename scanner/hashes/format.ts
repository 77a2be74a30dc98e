import { z } from 'zod'

/**
 * A hash database is one file: a magic, the header's length (uint32, little-endian) and the header in a first block of
 * {@link HEADER_BYTES}; then for each section a Bloom filter, an index and sorted records; then the names.
 * - A record is a digest and the offset of its name (uint32, little-endian).
 * - The index has 65,537 numbers (uint32, little-endian): how many records begin with less than each two-byte value.
 * - A name is its length in bytes (uint16, little-endian) and its text in UTF-8. All numbers of the filter are little-endian.
 */
export const MAGIC = 'PCHASH01'
export const HEADER_BYTES = 8192
export const INDEX_BYTES = 65_537 * 4
export const NAME_OFFSET_BYTES = 4
/** Bytes of a name; a longer one is cut. */
export const MAX_NAME = 255

export const DIGEST_BYTES = { sha256: 32, sha1: 20, md5: 16 } as const
export type Algorithm = keyof typeof DIGEST_BYTES
export const ALGORITHMS = ['sha256', 'sha1', 'md5'] as const

/** What a list says of its digests. */
export type ListKind = 'malicious' | 'allowed'

const count = z.number().int().min(0)
const hex = z.string().regex(/^[0-9a-f]{64}$/)

const sectionSchema = z.strictObject({
  algorithm: z.enum(ALGORITHMS),
  kind: z.enum(['malicious', 'allowed']),
  count,
  /** Offsets and lengths in the file, in bytes. */
  bloom: z.strictObject({ offset: count, length: count }),
  index: z.strictObject({ offset: count }),
  records: z.strictObject({ offset: count }),
  /** SHA-256 of the filter and the index, checked by everyone who opens the file. */
  head_sha256: hex,
  /** SHA-256 of the records, checked once by who starts the workers. */
  records_sha256: hex,
})

export const headerSchema = z.strictObject({
  sections: z.array(sectionSchema).max(6),
  names: z.strictObject({ offset: count, length: count, sha256: hex }),
})

export type Section = z.output<typeof sectionSchema>
export type Header = z.output<typeof headerSchema>

export const recordBytes = (algorithm: Algorithm): number => DIGEST_BYTES[algorithm] + NAME_OFFSET_BYTES
