import { ProofError } from '../../proofs/errors.js'
import type { NoteVerifier } from '../../proofs/note-key.js'
import type { Policy, PolicyAgent } from '../../proofs/policy.js'
import type { AuditKeys } from './entry-audit.js'

/** The keys and intervals that the `agent` lines of a policy name. */
export class PolicyKeys implements AuditKeys {
  readonly #agents = new Map<string, PolicyAgent[]>()

  constructor(policy: Policy) {
    for (const agent of policy.agents) {
      const { name } = agent.verifier
      this.#agents.set(name, [...(this.#agents.get(name) ?? []), agent])
    }
  }

  verifiersFor(signatures: readonly { readonly name: string }[]): readonly NoteVerifier[] {
    const names = new Set(signatures.map(({ name }) => name))
    return [...names].flatMap((name) => (this.#agents.get(name) ?? []).map(({ verifier }) => verifier))
  }

  assertValidAt(verifier: NoteVerifier, index: number): void {
    const agent = this.#agents.get(verifier.name)?.find((candidate) => candidate.verifier === verifier)
    if (agent === undefined)
      throw new ProofError('unknown_key', `the policy names no key of ${verifier.name}`)
    if (index < agent.first || index > (agent.last ?? Infinity))
      throw new ProofError('key_not_valid_at', `the key ${verifier.name} was not valid at index ${index}`)
  }
}
