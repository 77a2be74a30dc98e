import { canonicalDigest } from '../../ledger/client/digest.js'
import type { AnswerAction } from './action.js'

/**
 * - `asked`: waits for a person
 * - `ordered`: decided, on its way to the role that carries it out
 * - `applied`: it holds, or was done
 * - `denied`, `expired`: a person said no, nobody said anything
 * - `refused`: whoever was to carry it out did not
 * - `ended`: it held, and does no longer
 */
export type AnswerState = 'asked' | 'ordered' | 'applied' | 'denied' | 'expired' | 'refused' | 'ended'

/** What an approval is bound to: nothing of it can change after the question was put. */
export interface AnswerTerms {
  /** UUIDv7; also the id of the command, and of the question to a person. */
  readonly id: string
  readonly incident: string
  readonly action: AnswerAction
  /** Who asks: `playbook:NAME`, `agent:NAME`, `person:NAME`. */
  readonly by: string
  /** For how long it is to hold; undefined for what is done once. */
  readonly seconds?: number
  readonly dry_run: boolean
  /** 32 random hexadecimal digits: the digest tells nothing about what it was made of. */
  readonly nonce: string
}

/** An answer to an incident, from the question to its end. */
export interface Answer extends AnswerTerms {
  /** SHA-256 of the canonical JSON of its terms. */
  readonly digest: string
  readonly state: AnswerState
  /** Milliseconds since the Unix epoch. */
  readonly created: number
  /** When the question is closed; set while a person was or is asked. */
  readonly ask_until?: number
  /** Who decided about the question. */
  readonly decided_by?: string
  /** Until when it holds. */
  readonly expires?: number
  /** Why it was refused, or ended. */
  readonly reason?: string
}

export const digestOf = ({ id, incident, action, by, seconds, dry_run, nonce }: AnswerTerms): string =>
  canonicalDigest({
    id,
    incident,
    action,
    by,
    ...(seconds !== undefined && { seconds }),
    dry_run,
    nonce,
  })
