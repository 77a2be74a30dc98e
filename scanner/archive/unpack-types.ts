import type { FileKind } from '../identify.js'
import type { Reason } from '../verdict.js'

/** What an archive holds. */
export interface Member {
  /** As the archive has it, for people: it is reported and never used as a path. */
  readonly name: string
  readonly content: Buffer
}

/**
 * Unpacks one level of a content in memory and hands each member out as it comes; the judge calls it again for members that
 * are archives themselves.
 * @param depth 0 for the file itself
 * @returns what there is to say of the archive itself, limits that were met among it; none for a content that is no archive
 */
export type Unpack = (
  content: Buffer,
  kind: FileKind,
  depth: number,
  onMember: (member: Member) => Promise<void>,
) => Promise<readonly Reason[]>

/** One for each file, so that limits count over all its levels. */
export interface Unpacker {
  /** Whether a content of this kind is one that `unpack` opens: others are judged without waiting. */
  opens(kind: FileKind): boolean
  start(): Unpack
}
