import { ProofError } from '../../proofs/errors.js'
import { isKeyKind, KeyDirectory } from '../../proofs/key-directory.js'
import type { NoteVerifier } from '../../proofs/note-key.js'
import type { Policy, PolicyAgent } from '../../proofs/policy.js'
import type { AuditKeys } from './entry-audit.js'

/**
 * The keys that count for a log: those that its own key entries introduce under the `root` line of the policy, recomputed
 * as the audit goes on, and those of `agent` lines.
 */
export class PolicyKeys implements AuditKeys {
  readonly #agents = new Map<string, PolicyAgent[]>()
  readonly #directory: KeyDirectory | undefined

  /** @param origin of the log that is audited */
  constructor(policy: Policy, origin: string) {
    const root = policy.agents.find(({ isRoot }) => isRoot)?.verifier
    this.#directory = root && new KeyDirectory({ origin, root })
    for (const agent of policy.agents) {
      const { name } = agent.verifier
      this.#agents.set(name, [...(this.#agents.get(name) ?? []), agent])
    }
  }

  verifiersFor(signatures: readonly { readonly name: string }[]): readonly NoteVerifier[] {
    const names = new Set(signatures.map(({ name }) => name))
    const introduced = this.#directory?.verifiersFor(signatures) ?? []
    const pinned = [...names].flatMap((name) => this.#agents.get(name) ?? [])
    const others = pinned.filter(({ verifier }) => this.#directory?.find(verifier.publicKey) === undefined)
    return [...introduced, ...others.map(({ verifier }) => verifier)]
  }

  assertValidAt(verifier: NoteVerifier, index: number): void {
    if (this.#directory?.find(verifier.publicKey) !== undefined) {
      this.#directory.assertValidAt(verifier, index)
      return
    }
    const agent = this.#agents.get(verifier.name)?.find((candidate) => candidate.verifier === verifier)
    if (agent === undefined)
      throw new ProofError('unknown_key', `the policy names no key of ${verifier.name}`)
    if (index < agent.first || index > (agent.last ?? Infinity))
      throw new ProofError('key_not_valid_at', `the key ${verifier.name} was not valid at index ${index}`)
  }

  changesKeys(kind: string): boolean {
    return this.#directory !== undefined && isKeyKind(kind)
  }

  apply(index: number, entry: Uint8Array): void {
    this.#directory?.apply(index, entry)
  }
}
