import { open } from 'node:fs/promises'
import { equalBytes } from '../../proofs/bytes.js'
import { MAX_POLICY_BYTES, parsePolicy } from '../../proofs/policy.js'
import type { Policy } from '../../proofs/policy.js'
import { messageOf } from '../../runtime/errors.js'
import { LedgerError } from '../errors.js'
import type { Identity } from '../identity.js'
import type { WitnessesConfig } from './config.js'

function bad(message: string, cause?: unknown): LedgerError {
  return new LedgerError('BAD_WITNESSES', message, { cause })
}

/**
 * The policy of `ledger.witnesses`.
 *
 * @throws LedgerError `BAD_WITNESSES` that names the key, the file and the line
 */
export async function readWitnessPolicy(
  config: Pick<WitnessesConfig, 'policy' | 'policy_file'>,
): Promise<Policy> {
  const { policy_file: file } = config
  const where = file === undefined ? 'ledger.witnesses.policy' : `ledger.witnesses.policy_file: ${file}`
  let policy: Policy
  try {
    policy = parsePolicy(file === undefined ? (config.policy ?? '') : await readBounded(file))
  } catch (cause) {
    throw bad(`${where}: ${messageOf(cause)}`, cause)
  }
  if (policy.agents.length > 0) throw bad(`${where}: an agent line has no meaning here`)
  if (policy.quorum === 'none') throw bad(`${where}: quorum none asks for no witness: name a quorum`)
  const mute = policy.witnesses.find(({ url }) => url === undefined || !URL.canParse(url))
  if (mute !== undefined) throw bad(`${where}: the witness ${mute.name} has no URL to ask at`)
  return policy
}

/**
 * Checks that a policy can be that of this log.
 *
 * @throws LedgerError `BAD_WITNESSES`
 */
export function checkWitnessPolicy(policy: Policy, { origin, signer }: Identity): void {
  const isOwn = (key: { readonly publicKey: Uint8Array }): boolean =>
    equalBytes(key.publicKey, signer.publicKey)
  const own = policy.witnesses.find(({ verifier }) => isOwn(verifier))
  if (own !== undefined) throw bad(`ledger.witnesses: ${own.name} has the log's own key`)
  if (policy.logs.length > 0 && !policy.logs.some(({ verifier }) => isOwn(verifier)))
    throw bad(`ledger.witnesses: the policy is one for other logs than ${origin}`)
}

async function readBounded(path: string): Promise<Uint8Array> {
  const handle = await open(path, 'r')
  try {
    const { size } = await handle.stat()
    if (size > MAX_POLICY_BYTES) throw new RangeError(`the file has more than ${MAX_POLICY_BYTES} bytes`)
    return await handle.readFile()
  } finally {
    await handle.close()
  }
}
