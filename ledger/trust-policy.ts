import { join } from 'node:path'
import type { PolicyAnchor } from '../proofs/anchor-policy.js'
import { decodeVkey } from '../proofs/note-key.js'
import { formatPolicy } from '../proofs/policy.js'
import type { Policy } from '../proofs/policy.js'
import { readAllAgentKeys } from './agents.js'
import type { LedgerConfig } from './config.js'
import type { Identity } from './identity.js'
import { readWitnessPolicy } from './witnessing/policy.js'

/**
 * The trust policy that a log offers: its own key, those of its witnesses and of its agents, and its accounts on chains, all of which a verifier has
 * to compare with what it trusts already.
 *
 * @param folder `<data>/ledger`
 * @param anchors where it is anchored and by whom
 */
export async function trustPolicy(
  folder: string,
  identity: Pick<Identity, 'vkey'>,
  witnesses: LedgerConfig['witnesses'],
  anchors: readonly PolicyAnchor[],
): Promise<Uint8Array> {
  const agents = await readAllAgentKeys(join(folder, 'agents'))
  return formatPolicy({
    logs: [{ verifier: decodeVkey(identity.vkey) }],
    ...(await witnessLines(witnesses)),
    agents: [...agents.values()].flat().map((verifier) => ({ verifier, first: 0 })),
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
