import { parseDecimal } from './checkpoint.js'
import { ProofError } from './errors.js'
import { formatInterval, parseInterval } from './interval.js'

/**
 * Who may anchor where: a verifier believes an anchor only when its chain, contract, code and submitter are pinned here,
 * for trees of `first` to `last` entries, both included. Addresses and hashes are lower-case hexadecimal without `0x`.
 */
export interface PolicyAnchor {
  readonly chainId: number
  readonly contract: string
  readonly codeHash: string
  readonly submitter: string
  readonly first: number
  readonly last?: number
}

const ADDRESS = /^0x[0-9a-fA-F]{40}$/
const HASH = /^0x[0-9a-fA-F]{64}$/

function malformed(message: string): ProofError {
  return new ProofError('malformed_policy', message)
}

/**
 * Reads what follows the word `anchor` on a policy's line: `<chain id> <contract> <code hash> <submitter> [<first>-[<last>]]`.
 *
 * @param before the anchors of the lines above: a contract has one code, and an interval overlaps no other of its submitter
 */
export function parseAnchorLine(items: readonly string[], before: readonly PolicyAnchor[]): PolicyAnchor {
  const [chain = '', contract = '', codeHash = '', submitter = '', interval, ...rest] = items
  if (submitter === '' || rest.length > 0)
    throw malformed(
      'an anchor line has a chain id, a contract, a code hash, a submitter and an interval at most',
    )
  const chainId = parseDecimal(chain)
  if (chainId === undefined || chainId < 1) throw malformed(`${chain} is not a chain id`)
  const anchor = {
    chainId,
    contract: hex(contract, ADDRESS, 'an address such as 0x12… of 40 digits'),
    codeHash: hex(codeHash, HASH, 'a code hash such as 0x12… of 64 digits'),
    submitter: hex(submitter, ADDRESS, 'an address such as 0x12… of 40 digits'),
    ...parseInterval(interval, 'tree sizes'),
  }
  for (const other of before) {
    if (other.chainId !== chainId || other.contract !== anchor.contract) continue
    if (other.codeHash !== anchor.codeHash)
      throw malformed(`two code hashes of the contract 0x${other.contract}`)
    const isApart = anchor.first > (other.last ?? Infinity) || other.first > (anchor.last ?? Infinity)
    if (other.submitter === anchor.submitter && !isApart)
      throw malformed(`the intervals of the submitter 0x${other.submitter} overlap`)
  }
  return anchor
}

/** Writes a line that {@link parseAnchorLine} reads back. */
export function formatAnchorLine(anchor: PolicyAnchor): string {
  const { chainId, contract, codeHash, submitter } = anchor
  return `anchor ${chainId} 0x${contract} 0x${codeHash} 0x${submitter}${formatInterval(anchor)}`
}

function hex(text: string, pattern: RegExp, expected: string): string {
  if (!pattern.test(text)) throw malformed(`${text} is not ${expected}`)
  return text.slice(2).toLowerCase()
}
