import { open } from 'node:fs/promises'
import { equalBytes } from '../../proofs/bytes.js'
import { ProofError } from '../../proofs/errors.js'
import { MAX_POLICY_BYTES, parsePolicy } from '../../proofs/policy.js'
import type { Policy } from '../../proofs/policy.js'
import { messageOf } from '../../runtime/errors.js'
import { LedgerError } from '../errors.js'
import type { Identity } from '../identity.js'
import type { WitnessesConfig } from './config.js'

function malformed(message: string): ProofError {
  return new ProofError('malformed_policy', message)
}

function bad(message: string, cause?: unknown): LedgerError {
  return new LedgerError('BAD_WITNESSES', message, { cause })
}

/**
 * Reads a policy that a log can be witnessed by: with a quorum, and with an address for each witness.
 *
 * @throws ProofError `malformed_policy` that names the line or the witness, `weak_key`, `too_large`
 */
export function parseWitnessPolicy(source: Uint8Array | string): Policy {
  const policy = parsePolicy(source)
  if (policy.agents.length + policy.anchors.length > 0)
    throw malformed('agent and anchor lines have no meaning here')
  if (policy.quorum === 'none') throw malformed('quorum none asks for no witness: name a quorum')
  const mute = policy.witnesses.find(({ url }) => url === undefined || !URL.canParse(url))
  if (mute !== undefined) throw malformed(`the witness ${mute.name} has no URL to ask at`)
  return policy
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
  try {
    return parseWitnessPolicy(file === undefined ? (config.policy ?? '') : await readBounded(file))
  } catch (cause) {
    throw bad(`${where}: ${messageOf(cause)}`, cause)
  }
}

/**
 * Checks that a policy can be that of this log.
 *
 * @throws LedgerError `BAD_WITNESSES`
 */
export function checkWitnessPolicy(
  policy: Policy,
  { origin, signer }: Pick<Identity, 'origin' | 'signer'>,
): void {
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
