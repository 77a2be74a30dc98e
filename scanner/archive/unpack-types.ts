import type { FileKind } from '../identify.js'
import type { Reason } from '../verdict.js'

/** What an archive holds. */
export interface Member {
  /** As the archive has it, for people: it is reported and never used as a path. */
  readonly name: string
  readonly content: Buffer
}

/** A content that may be an archive. */
export interface Packed {
  readonly content: Buffer
  readonly kind: FileKind
  /** Base name. */
  readonly name: string
  /** 0 for the file itself. */
  readonly depth: number
}

/**
 * Unpacks one level of a content in memory and hands each member out as it comes; the judge calls it again for members that
 * are archives themselves.
 * @returns what there is to say of the archive itself, limits that were met among it; none for a content that is no archive
 */
export type Unpack = (
  packed: Packed,
  onMember: (member: Member) => Promise<void>,
) => Promise<readonly Reason[]>

/** One for each file, so that limits count over all its levels. */
export interface Unpacker {
  /** Whether `unpack` opens such a content: others are judged without waiting. */
  opens(content: Buffer, kind: FileKind): boolean
  /** @param size bytes of the file */
  start(size: number): Unpack
}
