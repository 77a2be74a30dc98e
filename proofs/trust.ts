import { verifyCheckpoint } from './checkpoint.js'
import type { Checkpoint } from './checkpoint.js'
import { ProofError } from './errors.js'
import { cosignatureTime } from './note-key.js'
import type { NoteVerifier } from './note-key.js'
import { checkpointVerifiers, isQuorumMet } from './policy.js'
import type { Policy, PolicyAgent } from './policy.js'
import type { NoteSignature, NoteVerification } from './signed-note.js'
import type { Checks } from './verification.js'

/** How far ahead of the verifier's clock a witness's clock may be, in seconds. */
const CLOCK_TOLERANCE = 300n

/**
 * The tree head, once a log of the policy is found to have signed it; the checks `checkpoint` and `quorum`.
 *
 * @param clock with it, cosignatures from the future do not count
 */
export function checkHead(
  checkpoint: Uint8Array,
  policy: Policy,
  clock: { now(): number } | undefined,
  checks: Checks,
): Checkpoint | undefined {
  const verified = checks.run('checkpoint', 'a log of the policy signed it', () =>
    verifyCheckpoint(checkpoint, checkpointVerifiers(policy)),
  )
  if (verified === undefined) return undefined
  const { quorum } = policy
  if (quorum === 'none') checks.skip('quorum', 'the policy asks for no witnesses')
  else {
    checks.run('quorum', `the quorum ${quorum} cosigned`, () =>
      assertQuorum(policy, verified.verification, clock),
    )
  }
  return verified.checkpoint
}

function assertQuorum(
  policy: Policy,
  verification: NoteVerification,
  clock: { now(): number } | undefined,
): void {
  const { quorum, witnesses } = policy
  const latest = clock === undefined ? undefined : BigInt(Math.floor(clock.now() / 1000)) + CLOCK_TOLERANCE
  const cosigned = new Set<string>()
  for (const { verifier, signature } of verification.verified) {
    const witness = witnesses.find((candidate) => candidate.verifier === verifier)
    const time = cosignatureTime(signature.signature)
    if (witness === undefined || time === undefined) continue
    if (latest === undefined || time <= latest) cosigned.add(witness.name)
  }
  if (!isQuorumMet(policy, cosigned))
    throw new ProofError(
      'quorum_unmet',
      `the quorum ${quorum} is not met by ${cosigned.size} good cosignatures`,
    )
}

/** The keys of a policy that may sign entries, by name, so that a policy of many agents costs no more than one of few. */
export class TrustedAgents {
  readonly #byName = new Map<string, PolicyAgent[]>()

  constructor(policy: Policy) {
    for (const agent of policy.agents) {
      const same = this.#byName.get(agent.verifier.name)
      if (same === undefined) this.#byName.set(agent.verifier.name, [agent])
      else same.push(agent)
    }
  }

  /** The keys that signature lines can be by. */
  verifiersFor(signatures: readonly Pick<NoteSignature, 'name'>[]): NoteVerifier[] {
    const names = new Set(signatures.map(({ name }) => name))
    return [...names].flatMap((name) => (this.#byName.get(name) ?? []).map(({ verifier }) => verifier))
  }

  /** @throws ProofError `key_not_valid_at` when a key that signed was not valid at this log index */
  assertValidAt(index: number, { verified }: NoteVerification): void {
    for (const { verifier } of verified) {
      const agents = this.#byName.get(verifier.name) ?? []
      const agent = agents.find((candidate) => candidate.verifier === verifier)
      if (agent === undefined || index < agent.first || index > (agent.last ?? Infinity))
        throw new ProofError('key_not_valid_at', `the key ${verifier.name} was not valid at index ${index}`)
    }
  }
}
