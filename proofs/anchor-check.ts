import { anchorLogId } from './anchor.js'
import type { Anchor, AnchorFacts, AnchorObservation } from './anchor.js'
import type { PolicyAnchor } from './anchor-policy.js'
import { encodeHex } from './bytes.js'
import type { Checkpoint } from './checkpoint.js'
import { attempt, ProofError } from './errors.js'
import type { Policy } from './policy.js'
import type { Checks } from './verification.js'

/** What was read from a chain, and how many of those who were asked have to confirm it. */
export interface ChainEvidence {
  readonly observations: readonly AnchorObservation[]
  /** From 1 to the number of observations; all of them when left out. */
  readonly agree?: number
}

/**
 * The check `anchor` of a receipt or bundle: against the policy, which alone says what chain, contract, code and submitter
 * count, and against what was read from the chain. Without evidence the check is not called for, but a claim that the
 * policy refutes fails. Codes: `anchor_missing`, `anchor_not_final`, `anchor_mismatch`, `wrong_submitter`.
 *
 * @param checkpoint the verified checkpoint
 */
export function checkAnchor(
  anchor: Anchor | undefined,
  checkpoint: Checkpoint,
  policy: Policy,
  evidence: ChainEvidence | undefined,
  checks: Checks,
): void {
  const outcome = attempt(() => judge(anchor, checkpoint, policy, evidence))
  if ('error' in outcome) checks.fail('anchor', outcome.error.machineCode, outcome.error.message)
  else if (outcome.value.passed) checks.pass('anchor', outcome.value.message)
  else if (evidence === undefined) checks.skip('anchor', outcome.value.message)
  else checks.leave('anchor', outcome.value.message)
}

/** The outcome of a check that did not fail. */
export interface AnchorFinding {
  readonly passed: boolean
  readonly message: string
}

function notChecked(message: string): AnchorFinding {
  return { passed: false, message }
}

function judge(
  anchor: Anchor | undefined,
  checkpoint: Checkpoint,
  policy: Policy,
  evidence: ChainEvidence | undefined,
): AnchorFinding {
  if (policy.anchors.length === 0) return notChecked('the policy names no anchor')
  if (anchor === undefined) {
    if (evidence !== undefined) throw new ProofError('anchor_missing', 'no anchor is given')
    return notChecked('no anchor is given')
  }
  const pin = checkClaim(anchor, checkpoint, policy.anchors)
  if (evidence === undefined) return notChecked('the chain was not asked')
  return weighEvidence(anchor, pin, evidence)
}

function mismatch(message: string): ProofError {
  return new ProofError('anchor_mismatch', message)
}

/** What can be said without the chain. */
function checkClaim(anchor: Anchor, checkpoint: Checkpoint, pins: readonly PolicyAnchor[]): PolicyAnchor {
  const { origin, size, root } = checkpoint
  if (anchor.logId !== encodeHex(anchorLogId(origin))) throw mismatch(`the anchor is not one of ${origin}`)
  if (anchor.size !== size || anchor.root !== encodeHex(root))
    throw mismatch(`the anchor is not one of the checkpoint of ${size} entries`)
  const { chainId, contract, submitter } = anchor
  const here = pins.filter((pin) => pin.chainId === chainId && pin.contract === contract)
  if (here.length === 0) throw mismatch(`the policy names no contract 0x${contract} on chain ${chainId}`)
  const pin = here.find(
    ({ submitter: own, first, last }) =>
      own === submitter && first <= anchor.size && anchor.size <= (last ?? Infinity),
  )
  if (pin === undefined)
    throw new ProofError('wrong_submitter', `the policy has no submitter 0x${submitter} for size ${size}`)
  return pin
}

/**
 * Weighs what endpoints say against a claim and what is pinned for it. It does not look at the policy or the checkpoint.
 *
 * @returns whether so many of them confirm it; not when too few answered
 * @throws ProofError when one that answered says otherwise and too few confirm
 */
export function weighEvidence(
  anchor: Anchor,
  pin: Pick<PolicyAnchor, 'codeHash'>,
  { observations, agree }: ChainEvidence,
): AnchorFinding {
  const asked = observations.length
  const needed = agree ?? asked
  if (asked === 0 || needed < 1 || needed > asked)
    throw new RangeError(`${needed} of ${asked} endpoints cannot agree`)
  const refusals: ProofError[] = []
  const silent: string[] = []
  for (const observation of observations) {
    if ('error' in observation) {
      silent.push(`${observation.endpoint}: ${observation.error}`)
      continue
    }
    const outcome = attempt(() => checkFacts(anchor, pin, observation.facts))
    if ('error' in outcome) refusals.push(outcome.error)
  }
  const agreed = asked - refusals.length - silent.length
  if (agreed >= needed) return { passed: true, message: confirmation(anchor, agreed, asked) }
  const [refusal] = refusals
  if (refusal === undefined)
    return notChecked(`${agreed} of the ${needed} endpoints needed answered: ${silent.join('; ')}`)
  throw asked === 1
    ? refusal
    : new ProofError(refusal.machineCode, `${refusals.length} of ${asked} endpoints: ${refusal.message}`)
}

function confirmation(anchor: Anchor, agreed: number, asked: number): string {
  const where = `final in block ${anchor.blockNumber} of chain ${anchor.chainId}`
  const whom =
    asked === 1
      ? 'as one RPC endpoint says, which is trusted for it'
      : `as ${agreed} of ${asked} RPC endpoints say, which together are trusted for it`
  return `${where}, ${whom}`
}

/** What one endpoint says against what the receipt and the policy say. */
function checkFacts(anchor: Anchor, pin: Pick<PolicyAnchor, 'codeHash'>, facts: AnchorFacts): void {
  const { chainId, codeHash, anchoredAt, event } = facts
  if (chainId !== anchor.chainId) throw mismatch(`the endpoint serves chain ${chainId}`)
  if (event === undefined && anchoredAt.latest === undefined)
    throw new ProofError('anchor_missing', 'the chain does not have it')
  if (event !== undefined && event.submitter !== anchor.submitter)
    throw new ProofError('wrong_submitter', `the transaction is by 0x${event.submitter}`)
  if (event !== undefined) checkEvent(anchor, event)
  if (anchoredAt.final === undefined)
    throw new ProofError('anchor_not_final', `block ${anchor.blockNumber} can still be undone`)
  if (codeHash !== pin.codeHash) throw mismatch('the contract has another code than the policy pins')
  if (event === undefined) throw mismatch(`the transaction 0x${anchor.tx} holds no such event`)
  if (anchoredAt.final !== anchor.blockTime) throw mismatch('the contract recorded another time')
}

const EVENT_MEMBERS = [
  'contract',
  'logId',
  'size',
  'root',
  'blockNumber',
  'blockHash',
  'blockTime',
  'logIndex',
] as const

function checkEvent(anchor: Anchor, event: NonNullable<AnchorFacts['event']>): void {
  const other = EVENT_MEMBERS.find((member) => event[member] !== anchor[member])
  if (other !== undefined)
    throw mismatch(`the event on chain has ${other} ${event[other]}, not ${anchor[other]}`)
}
