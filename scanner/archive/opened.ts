import type { Reason } from '../verdict.js'
import { ARCHIVE_LEVELS, type ArchiveRule, type Budget } from './budget.js'
import type { Member } from './unpack-types.js'

/** How a member was unpacked. */
export interface Unpacking {
  /** Bytes that it was unpacked from; those of the content itself when it is not compressed. */
  readonly consumed?: number
  /** There was more than the room for it. */
  readonly isCut?: boolean
  /** The time for it was over. */
  readonly isLate?: boolean
  /** Why there is no more of it. */
  readonly damage?: string | undefined
}

interface Said {
  readonly rule: ArchiveRule
  readonly member?: string | undefined
  readonly detail?: string | undefined
  count: number
}

/** Characters of a member's name that are reported. */
const NAME_LENGTH = 512

/** One archive while it is read: what a format hands its members to. */
export class Opened {
  readonly #said = new Map<ArchiveRule, Said>()

  constructor(
    readonly budget: Budget,
    readonly onMember: (member: Member) => Promise<void>,
  ) {}

  get reasons(): readonly Reason[] {
    return [...this.#said.values()].map(({ rule, member, detail, count }) => {
      const text = [detail, count > 1 ? `${count} times` : undefined].filter((part) => part !== undefined)
      return {
        engine: 'archive',
        rule,
        level: ARCHIVE_LEVELS[rule],
        ...(member === undefined ? {} : { member }),
        ...(text.length === 0 ? {} : { detail: text.join(', ') }),
      }
    })
  }

  /** Judges a member that the budget has admitted, and says what keeps it from being whole. */
  async member(name: string, content: Buffer, unpacking: Unpacking = {}): Promise<void> {
    const { consumed = content.length, isCut = false, isLate = false, damage } = unpacking
    if (isLate) this.budget.endTime()
    const rule = this.budget.charge(content.length, consumed, isCut)
    if (rule !== undefined) this.say(rule, name)
    if (damage !== undefined) this.say('damaged_archive', name, damage)
    if (content.length > 0) await this.onMember({ name: printable(name), content })
  }

  /** Says something of the archive: once for each rule, with how often it was met. */
  say(rule: ArchiveRule, member?: string, detail?: string): void {
    const said = this.#said.get(rule)
    if (said) said.count++
    else
      this.#said.set(rule, {
        rule,
        member: member === undefined ? undefined : printable(member),
        detail,
        count: 1,
      })
  }
}

/** A name that neither steers a terminal nor fills a report. */
const printable = (name: string): string =>
  name.slice(0, NAME_LENGTH).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '\ufffd')
