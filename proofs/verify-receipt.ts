import type { ActionPayload } from './action.js'
import { checkAnchor } from './anchor-check.js'
import type { Checkpoint } from './checkpoint.js'
import { parseEntry, sessionOf, verifyEntry } from './entry.js'
import type { Entry } from './entry.js'
import { ProofError } from './errors.js'
import { assertInclusion, leafHash } from './merkle.js'
import type { Policy } from './policy.js'
import type { Receipt, ReceiptSeal } from './receipt.js'
import { checkSealedAction, parseSealNote, verifySeal } from './seal.js'
import type { SealNote } from './seal.js'
import { assertSession } from './session.js'
import type { NoteVerification } from './signed-note.js'
import { checkHead, TrustedAgents } from './trust.js'
import type { Checks, SignatureSource, Verification } from './verification.js'
import type { VerifyOptions } from './verify.js'

/** Verifies a receipt that is already parsed, under a policy that is. */
export function verifyReceipt(
  receipt: Receipt,
  policy: Policy,
  options: VerifyOptions,
  checks: Checks,
): Verification {
  return new ReceiptVerifier(receipt, policy, options, checks).verify()
}

class ReceiptVerifier {
  readonly #receipt: Receipt
  readonly #policy: Policy
  readonly #agents: TrustedAgents
  readonly #options: VerifyOptions
  readonly #checks: Checks

  constructor(receipt: Receipt, policy: Policy, options: VerifyOptions, checks: Checks) {
    this.#receipt = receipt
    this.#policy = policy
    this.#agents = new TrustedAgents(policy)
    this.#options = options
    this.#checks = checks
  }

  verify(): Verification {
    const { index, seal } = this.#receipt
    const head = checkHead(this.#receipt.checkpoint, this.#policy, this.#options.clock, this.#checks)
    const entry = this.#entry()
    if (entry !== undefined) this.#session(entry)
    if (head !== undefined) this.#inclusion(head)
    const source = entry === undefined ? undefined : this.#signature(entry, head)
    if (seal === undefined) this.#checks.skip('seal', 'the receipt holds no seal')
    this.#checks.skip('completeness', 'a receipt is about one entry')
    if (head !== undefined)
      checkAnchor(this.#receipt.anchor, head, this.#policy, this.#options.chain, this.#checks)
    return this.#checks.finish({
      index,
      ...(entry === undefined ? {} : { entry }),
      ...(head === undefined ? {} : { origin: head.origin, size: head.size }),
      ...(source === undefined ? {} : { signature: source }),
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

  #session(entry: Entry): void {
    const { session } = this.#options
    if (session === undefined) this.#checks.skip('session', 'no session was asked for')
    else this.#checks.run('session', `it is in ${session}`, () => assertSession(sessionOf(entry), session))
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
        verifyEntry(entry, this.#agents.verifiersFor(entry.note.signatures)),
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
      verifySeal(parsed, this.#agents.verifiersFor(parsed.note.signatures)),
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
    this.#checks.run('key_validity', `its keys were valid at ${index}`, () =>
      this.#agents.assertValidAt(index, verification),
    )
  }
}
