import type { PolicyAnchor } from '../proofs/anchor-policy.js'
import { policyAgents } from '../proofs/key-directory.js'
import { decodeVkey } from '../proofs/note-key.js'
import { formatPolicy } from '../proofs/policy.js'
import type { Policy } from '../proofs/policy.js'
import type { LedgerConfig } from './config.js'
import type { Log } from './log.js'
import { readWitnessPolicy } from './witnessing/policy.js'

/**
 * The trust policy that a log offers: its own key, those of its witnesses, the operator's root key, those of its agents with
 * the log indexes at which each is valid, and its accounts on chains. A verifier has to compare all of it with what it
 * trusts already.
 *
 * @param anchors where it is anchored and by whom
 */
export async function trustPolicy(
  { identity, keys }: Pick<Log, 'identity' | 'keys'>,
  witnesses: LedgerConfig['witnesses'],
  anchors: readonly PolicyAnchor[],
): Promise<Uint8Array> {
  return formatPolicy({
    logs: [{ verifier: decodeVkey(identity.vkey) }],
    ...(await witnessLines(witnesses)),
    agents: policyAgents(keys.directory),
    anchors,
  })
}

/** Where witnesses are asked is the log's own business. */
async function witnessLines(
  config: LedgerConfig['witnesses'],
): Promise<Pick<Policy, 'witnesses' | 'groups' | 'quorum'>> {
  if (config === undefined) return { witnesses: [], groups: [], quorum: 'none' }
  const { witnesses, groups, quorum } = await readWitnessPolicy(config)
  return { witnesses: witnesses.map(({ name, verifier }) => ({ name, verifier })), groups, quorum }
}
