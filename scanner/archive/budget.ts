import type { Level } from '../verdict.js'
import type { ArchiveLimits } from './limits.js'

/** A limit that was met, or a part of an archive that could not be judged. */
export type ArchiveRule =
  | 'max_depth'
  | 'max_members'
  | 'max_member_size'
  | 'max_total_size'
  | 'max_ratio'
  | 'max_time'
  | 'encrypted_member'
  | 'overlapping_members'
  | 'unsupported_method'
  | 'damaged_archive'

/**
 * What each raises the verdict to: `suspicious` for what only an archive that attacks its reader does, `skipped` for what
 * was left out by a limit or for want of a password, `error` for what should have been judged and could not.
 */
export const ARCHIVE_LEVELS: Readonly<Record<ArchiveRule, Level>> = {
  max_depth: 'suspicious',
  max_ratio: 'suspicious',
  overlapping_members: 'suspicious',
  max_members: 'skipped',
  max_member_size: 'skipped',
  max_total_size: 'skipped',
  encrypted_member: 'skipped',
  max_time: 'error',
  unsupported_method: 'error',
  damaged_archive: 'error',
}

/** Bytes up to which no ratio is suspicious: a blank disk image or log of this size is no bomb. */
const RATIO_FLOOR = 16 * 1024 * 1024

/** What one file may still unpack to, over all its levels. */
export class Budget {
  #members = 0
  #bytes = 0
  #spent: ArchiveRule | undefined
  #isTold = false
  /** When all unpacking has to be done, as performance.now() tells. */
  readonly end: number

  /** @param fileSize bytes of the file itself */
  constructor(
    readonly limits: ArchiveLimits,
    readonly fileSize: number,
  ) {
    this.end = performance.now() + limits.max_seconds * 1000
  }

  /** The limit that ended all unpacking of this file, to be told once: undefined while there is none and after it was told. */
  tell(): ArchiveRule | undefined {
    if (this.#spent === undefined || this.#isTold) return undefined
    this.#isTold = true
    return this.#spent
  }

  /** Ends all unpacking of this file: its time was over in the middle of a member. */
  endTime(): void {
    this.#spent ??= 'max_time'
  }

  /** Counts one member. @returns false once a limit has ended all unpacking of this file */
  admit(): boolean {
    if (this.#spent !== undefined) return false
    if (this.#members >= this.limits.max_members) this.#spent = 'max_members'
    else if (performance.now() > this.end) this.#spent = 'max_time'
    else this.#members++
    return this.#spent === undefined
  }

  /**
   * Bytes that the next member may unpack to; one byte more is over a limit.
   * @param packed bytes that it is unpacked from, at most; Infinity for what is not compressed
   */
  room(packed: number): number {
    return Math.min(
      this.limits.max_member_size,
      this.limits.max_total_size - this.#bytes,
      Math.max(RATIO_FLOOR, Math.floor(this.limits.max_ratio * packed)),
    )
  }

  /**
   * Counts what a member unpacked to.
   * @param consumed bytes that it was unpacked from
   * @param isCut whether it had more bytes than there was room for
   * @returns the limit that this member met by itself
   */
  charge(unpacked: number, consumed: number, isCut: boolean): ArchiveRule | undefined {
    const { max_member_size, max_total_size, max_ratio } = this.limits
    this.#bytes += unpacked
    const isBomb = (bytes: number, from: number): boolean => bytes >= RATIO_FLOOR && bytes > max_ratio * from
    if (isBomb(this.#bytes, this.fileSize)) this.#spent ??= 'max_ratio'
    if (isBomb(unpacked, consumed)) return 'max_ratio'
    if (!isCut) return undefined
    if (unpacked >= max_member_size) return 'max_member_size'
    if (this.#bytes < max_total_size) return 'max_ratio'
    this.#spent ??= 'max_total_size'
    return undefined
  }
}
