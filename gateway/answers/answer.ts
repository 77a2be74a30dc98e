import type { GatewayCommand } from '../../runtime/commands.js'

export type AnswerAction = Exclude<GatewayCommand['action'], { type: 'revoke' }>

/** One answer that holds, under the id of the command that asked for it. */
export interface Answer {
  readonly command: string
  readonly incident?: string
  readonly by: string
  readonly action: AnswerAction
  /** Milliseconds since the Unix epoch. */
  readonly since: number
  readonly expires: number
  /** Number of a virtual patch, which makes the ids of its rules. */
  readonly slot?: number
}

/** All answers that hold, in the form that a serving thread takes; structured-cloneable. */
export interface AnswerSnapshot {
  /** Addresses and CIDR networks. */
  readonly bans: readonly string[]
  /** Paths by site, as `blockedPath` writes them. */
  readonly paths: ReadonlyMap<string, readonly string[]>
  /** SecLang by site; every site with a patch now or before is in it. */
  readonly patches: ReadonlyMap<string, string>
}

export const NO_ANSWERS: AnswerSnapshot = { bans: [], paths: new Map(), patches: new Map() }

/** Why a command is not carried out; `code` is stable. */
export interface AnswerRefusal {
  readonly code:
    | 'ANSWER_ADDRESS'
    | 'ANSWER_EXPIRED'
    | 'ANSWER_LIMIT'
    | 'ANSWER_NEVER_BAN'
    | 'ANSWER_PATCH'
    | 'ANSWER_PATH'
    | 'ANSWER_PHASE_OFF'
    | 'ANSWER_SITE'
    | 'ANSWER_TOO_WIDE'
    | 'ANSWER_UNKNOWN'
  readonly reason: string
}
