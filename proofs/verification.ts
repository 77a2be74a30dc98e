import type { Completeness, CompletenessState } from './session.js'
import type { Entry } from './entry.js'
import { attempt } from './errors.js'
import type { ProofCode } from './errors.js'

/**
 * What is looked at, in this order. For a session bundle a check is about all of its entries, and a failure names the
 * first one that does not hold.
 *
 * - `policy` the verifier's own policy can be read
 * - `receipt` the container (a receipt or a session bundle) is well formed, in its only spelling
 * - `checkpoint` a log of the policy signed the tree head, and no known key's signature fails
 * - `quorum` the policy's witnesses cosigned it
 * - `entry` the entry is well formed
 * - `session` the entry belongs to the session that the caller expects, or that the bundle names
 * - `inclusion` the entry is in the tree at its index
 * - `seal` the seal is in the tree right behind its batch and covers the entry; only for a sealed entry
 * - `signature` the agent's key, known to the policy, signed the entry or its seal, and every other signer is known too
 * - `key_validity` those keys were valid at that log index
 * - `completeness` no entry of the session is missing or stands twice; only for a session bundle
 * - `anchor` the tree head is on a chain, where and by whom the policy says; not checked unless a chain was read
 */
export const CHECK_NAMES = [
  'policy',
  'receipt',
  'checkpoint',
  'quorum',
  'entry',
  'session',
  'inclusion',
  'seal',
  'signature',
  'key_validity',
  'completeness',
  'anchor',
] as const
export type CheckName = (typeof CHECK_NAMES)[number]

/** One line of the verdict. */
export interface Check {
  readonly name: CheckName
  readonly result: 'pass' | 'fail' | 'not-checked'
  /** Set exactly when the result is `fail`. */
  readonly code?: ProofCode
  readonly message: string
}

/** Whose signature stands for the entry. */
export type SignatureSource =
  | { readonly type: 'inline' }
  | { readonly type: 'seal'; readonly index: number; readonly position: number; readonly count: number }

/** What a session bundle holds. */
export interface SessionReport {
  readonly name: string
  /** The worst state of its agents; `truncated` when the bundle itself says that it is a part. */
  readonly state: CompletenessState | 'truncated'
  /** One for each agent that acts or that `session.open` names. */
  readonly agents: readonly Completeness[]
  /** Actions and seals. */
  readonly entries: number
}

/** The verdict over one receipt or one session bundle. */
export interface Verification {
  /** Every check passed that this container and policy call for. */
  readonly ok: boolean
  /** Code of the first check that failed. */
  readonly code?: ProofCode
  /** All of {@link CHECK_NAMES}, each once, in order. */
  readonly checks: readonly Check[]
  /** What a receipt is about. Only to be believed when `ok` is true, as all that follows. */
  readonly entry?: Entry
  readonly index?: number
  readonly signature?: SignatureSource
  /** What a session bundle is about. */
  readonly session?: SessionReport
  readonly origin?: string
  readonly size?: number
}

/** Collects the checks; whatever was not reached stays `not-checked`, and says so. */
export class Checks {
  readonly #done = new Map<CheckName, Check>()
  readonly #notCalledFor = new Set<CheckName>()

  /** Makes a check; `undefined` when it fails. */
  run<T>(name: CheckName, message: string, work: () => T): T | undefined {
    const outcome = attempt(work)
    if ('value' in outcome) {
      this.pass(name, message)
      return outcome.value
    }
    this.fail(name, outcome.error.machineCode, outcome.error.message)
    return undefined
  }

  pass(name: CheckName, message: string): void {
    this.#done.set(name, { name, result: 'pass', message })
  }

  fail(name: CheckName, code: ProofCode, message: string): void {
    this.#done.set(name, { name, result: 'fail', code, message })
  }

  /** A check that this container and policy do not call for. */
  skip(name: CheckName, message: string): void {
    this.#done.set(name, { name, result: 'not-checked', message })
    this.#notCalledFor.add(name)
  }

  /** A check that is called for but could not be made. */
  leave(name: CheckName, message: string): void {
    this.#done.set(name, { name, result: 'not-checked', message })
  }

  finish(about: Omit<Verification, 'ok' | 'code' | 'checks'>): Verification {
    const checks = CHECK_NAMES.map(
      (name): Check =>
        this.#done.get(name) ?? { name, result: 'not-checked', message: 'an earlier check failed' },
    )
    const passed = (check: Check) => check.result === 'pass' || this.#notCalledFor.has(check.name)
    const failed = checks.find((check) => check.result === 'fail')
    const ok = failed === undefined && checks.every(passed)
    return { ok, ...(failed?.code === undefined ? {} : { code: failed.code }), checks, ...about }
  }
}
