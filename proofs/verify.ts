import type { ActionPayload } from './action.js'
import { verifyCheckpoint } from './checkpoint.js'
import type { Checkpoint } from './checkpoint.js'
import { parseEntry, verifyEntry } from './entry.js'
import type { Entry } from './entry.js'
import { attempt, ProofError } from './errors.js'
import type { ProofCode } from './errors.js'
import { assertInclusion, leafHash } from './merkle.js'
import { cosignatureTime } from './note-key.js'
import { agentVerifiers, checkpointVerifiers, isQuorumMet, parsePolicy } from './policy.js'
import type { Policy } from './policy.js'
import { parseReceipt } from './receipt.js'
import type { Receipt, ReceiptSeal } from './receipt.js'
import { checkSealedAction, parseSealNote, verifySeal } from './seal.js'
import type { SealNote } from './seal.js'
import type { NoteVerification } from './signed-note.js'

/**
 * What is looked at, in this order.
 *
 * - `policy` the verifier's own policy can be read
 * - `receipt` the container is well formed, in its only spelling
 * - `checkpoint` a log of the policy signed the tree head, and no known key's signature fails
 * - `quorum` the policy's witnesses cosigned it
 * - `entry` the entry is well formed
 * - `inclusion` the entry is in the tree at its index
 * - `seal` the seal is in the tree right behind its batch and covers the entry; only for a sealed entry
 * - `signature` the agent's key, known to the policy, signed the entry or its seal, and every other signer is known too
 * - `key_validity` those keys were valid at that log index
 * - `anchor` the tree head is on chain; not checked, for a receipt of this version holds no anchor
 */
export const CHECK_NAMES = [
  'policy',
  'receipt',
  'checkpoint',
  'quorum',
  'entry',
  'inclusion',
  'seal',
  'signature',
  'key_validity',
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

/** The verdict over one receipt. */
export interface Verification {
  /** Every check passed that this receipt and policy call for. */
  readonly ok: boolean
  /** Code of the first check that failed. */
  readonly code?: ProofCode
  /** All of {@link CHECK_NAMES}, each once, in order. */
  readonly checks: readonly Check[]
  /** What the receipt is about. Only to be believed when `ok` is true. */
  readonly entry?: Entry
  readonly index?: number
  readonly origin?: string
  readonly size?: number
  readonly signature?: SignatureSource
}

/** What a caller may add; without it `verifyBundle` knows nothing of the world. */
export interface VerifyOptions {
  /** Milliseconds since the Unix epoch; with it, cosignatures from the future do not count. */
  readonly clock?: { now(): number }
}

/** How far ahead of the verifier's clock a witness's clock may be, in seconds. */
const CLOCK_TOLERANCE = 300n

/**
 * Verifies a receipt offline. No I/O, no throwing on hostile bytes, and every key comes from the policy, never from the
 * receipt.
 *
 * @param receipt the bytes of a receipt file
 * @param policy a policy, or the text of a policy file
 */
export function verifyBundle(
  receipt: Uint8Array,
  policy: Policy | Uint8Array | string,
  options: VerifyOptions = {},
): Verification {
  const checks = new Checks()
  const trusted = checks.run('policy', 'the policy can be read', () =>
    typeof policy === 'string' || policy instanceof Uint8Array ? parsePolicy(policy) : policy,
  )
  const parsed = checks.run('receipt', 'the container is well formed', () => parseReceipt(receipt))
  if (trusted === undefined || parsed === undefined) return checks.finish({})
  return new ReceiptVerifier(parsed, trusted, options, checks).verify()
}

/** Collects the checks; whatever was not reached stays `not-checked`, and says so. */
class Checks {
  readonly #done = new Map<CheckName, Check>()

  run<T>(name: CheckName, message: string, work: () => T): T | undefined {
    const outcome = attempt(work)
    if ('value' in outcome) {
      this.#done.set(name, { name, result: 'pass', message })
      return outcome.value
    }
    this.fail(name, outcome.error.machineCode, outcome.error.message)
    return undefined
  }

  fail(name: CheckName, code: ProofCode, message: string): void {
    this.#done.set(name, { name, result: 'fail', code, message })
  }

  skip(name: CheckName, message: string): void {
    this.#done.set(name, { name, result: 'not-checked', message })
  }

  /** @param notCalledFor checks that this receipt and policy do not need */
  finish(
    about: Omit<Verification, 'ok' | 'code' | 'checks'>,
    notCalledFor: readonly CheckName[] = [],
  ): Verification {
    const checks = CHECK_NAMES.map(
      (name): Check =>
        this.#done.get(name) ?? { name, result: 'not-checked', message: 'an earlier check failed' },
    )
    const passed = (check: Check) => check.result === 'pass' || notCalledFor.includes(check.name)
    const failed = checks.find((check) => check.result === 'fail')
    const ok = failed === undefined && checks.every(passed)
    return { ok, ...(failed?.code === undefined ? {} : { code: failed.code }), checks, ...about }
  }
}

class ReceiptVerifier {
  readonly #receipt: Receipt
  readonly #policy: Policy
  readonly #options: VerifyOptions
  readonly #checks: Checks

  constructor(receipt: Receipt, policy: Policy, options: VerifyOptions, checks: Checks) {
    this.#receipt = receipt
    this.#policy = policy
    this.#options = options
    this.#checks = checks
  }

  verify(): Verification {
    const { index, seal } = this.#receipt
    const head = this.#checkpoint()
    const entry = this.#entry()
    if (head !== undefined) this.#inclusion(head)
    const source = entry === undefined ? undefined : this.#signature(entry, head)
    if (seal === undefined) this.#checks.skip('seal', 'the receipt holds no seal')
    this.#checks.skip('anchor', 'the receipt holds no anchor')
    const notCalledFor: CheckName[] = ['anchor']
    if (seal === undefined) notCalledFor.push('seal')
    if (this.#policy.quorum === 'none') notCalledFor.push('quorum')
    return this.#checks.finish(
      {
        index,
        ...(entry === undefined ? {} : { entry }),
        ...(head === undefined ? {} : { origin: head.origin, size: head.size }),
        ...(source === undefined ? {} : { signature: source }),
      },
      notCalledFor,
    )
  }

  /** The tree head, once a log of the policy is found to have signed it. */
  #checkpoint(): Checkpoint | undefined {
    const verified = this.#checks.run('checkpoint', 'a log of the policy signed it', () =>
      verifyCheckpoint(this.#receipt.checkpoint, checkpointVerifiers(this.#policy)),
    )
    if (verified === undefined) return undefined
    if (this.#policy.quorum === 'none') this.#checks.skip('quorum', 'the policy asks for no witnesses')
    else this.#quorum(verified.verification)
    return verified.checkpoint
  }

  #quorum(verification: NoteVerification): void {
    const { quorum, witnesses } = this.#policy
    this.#checks.run('quorum', `the quorum ${quorum} cosigned`, () => {
      const now = this.#options.clock?.now()
      const latest = now === undefined ? undefined : BigInt(Math.floor(now / 1000)) + CLOCK_TOLERANCE
      const cosigned = new Set<string>()
      for (const { verifier, signature } of verification.verified) {
        const witness = witnesses.find((candidate) => candidate.verifier === verifier)
        const time = cosignatureTime(signature.signature)
        if (witness === undefined || time === undefined) continue
        if (latest === undefined || time <= latest) cosigned.add(witness.name)
      }
      if (!isQuorumMet(this.#policy, cosigned))
        throw new ProofError(
          'quorum_unmet',
          `the quorum ${quorum} is not met by ${cosigned.size} good cosignatures`,
        )
    })
  }

  #entry(): Entry | undefined {
    return this.#checks.run('entry', 'the entry is well formed', () => {
      const entry = parseEntry(this.#receipt.entry)
      if (entry.type !== 'sealed' && this.#receipt.seal !== undefined)
        throw new ProofError('malformed_receipt', 'a seal beside an entry that has its own signatures')
      return entry
    })
  }

  #inclusion({ size, root }: Checkpoint): void {
    const { entry, index, proof } = this.#receipt
    this.#checks.run('inclusion', `entry ${index} is in the tree of ${size} entries`, () =>
      assertInclusion(index, size, leafHash(entry), proof, root),
    )
  }

  #signature(entry: Entry, head: Checkpoint | undefined): SignatureSource | undefined {
    const { seal, index } = this.#receipt
    if (entry.type !== 'sealed') {
      this.#signers(index, 'signed by keys of the policy', () =>
        verifyEntry(entry, agentVerifiers(this.#policy)),
      )
      return { type: 'inline' }
    }
    if (seal === undefined) {
      this.#checks.fail('signature', 'unsigned', 'the entry has neither a signature of its own nor a seal')
      return undefined
    }
    if (head === undefined) return undefined
    const parsed = this.#checks.run('seal', `sealed by entry ${seal.index}`, () =>
      this.#seal(entry.action, seal, head),
    )
    if (parsed === undefined) return undefined
    this.#signers(seal.index, `sealed by ${parsed.seal.agent}`, () =>
      verifySeal(parsed, agentVerifiers(this.#policy)),
    )
    return { type: 'seal', index: seal.index, position: seal.position, count: parsed.seal.count }
  }

  /** The seal, once it is found to be in the tree and to cover this action. */
  #seal(action: ActionPayload, seal: ReceiptSeal, head: Checkpoint): SealNote {
    const { entry, index } = this.#receipt
    const parsed = parseSealNote(seal.entry)
    const { count, root } = parsed.seal
    assertInclusion(seal.index, head.size, leafHash(seal.entry), seal.proof, head.root)
    checkSealedAction(parsed.seal, action, seal.position)
    assertInclusion(seal.position, count, leafHash(entry), seal.path, root)
    if (index - seal.position + count !== seal.index)
      throw new ProofError(
        'inconsistent',
        `entry ${index} is not at position ${seal.position} of the ${count} entries right before ${seal.index}`,
      )
    return parsed
  }

  #signers(index: number, message: string, verify: () => NoteVerification): void {
    const verification = this.#checks.run('signature', message, verify)
    if (verification === undefined) return
    this.#checks.run('key_validity', `its keys were valid at ${index}`, () => {
      for (const { verifier } of verification.verified) {
        const agent = this.#policy.agents.find((candidate) => candidate.verifier === verifier)
        if (agent === undefined || index < agent.first || index > (agent.last ?? Infinity))
          throw new ProofError('key_not_valid_at', `the key ${verifier.name} was not valid at index ${index}`)
      }
    })
  }
}
