import type { Anchor } from './anchor.js'
import type { CanonicalObject, CanonicalValue } from './canonical-json.js'
import { Members } from './container.js'
import { ProofError } from './errors.js'
import type { ProofCode } from './errors.js'

/** Members and the number of their hexadecimal digits. */
const HEX_DIGITS = { block_hash: 64, contract: 40, log_id: 64, root: 64, submitter: 40, tx: 64 } as const
const NUMBERS = ['block_number', 'block_time', 'chain_id', 'log_index', 'size'] as const
const REQUIRED = [...Object.keys(HEX_DIGITS), ...NUMBERS]

/** The member `anchor` of a receipt or bundle. */
export function formatAnchor(anchor: Anchor): CanonicalObject {
  return {
    block_hash: anchor.blockHash,
    block_number: anchor.blockNumber,
    block_time: anchor.blockTime,
    chain_id: anchor.chainId,
    contract: anchor.contract,
    log_id: anchor.logId,
    log_index: anchor.logIndex,
    root: anchor.root,
    size: anchor.size,
    submitter: anchor.submitter,
    tx: anchor.tx,
  }
}

/**
 * Reads the member.
 *
 * @param code what is wrong with a container that has another one
 * @param path where it stands, for messages (`receipt.anchor`)
 * @throws ProofError `code`
 */
export function parseAnchor(value: CanonicalValue, code: ProofCode, path: string): Anchor {
  const members = new Members(value, code, path, REQUIRED)
  const hex = (key: keyof typeof HEX_DIGITS): string => {
    const text = members.string(key)
    if (text.length !== HEX_DIGITS[key] || !/^[0-9a-f]*$/.test(text))
      throw new ProofError(code, `${path}.${key} is not ${HEX_DIGITS[key]} lower-case hexadecimal digits`)
    return text
  }
  return {
    chainId: members.integer('chain_id'),
    contract: hex('contract'),
    submitter: hex('submitter'),
    logId: hex('log_id'),
    size: members.integer('size'),
    root: hex('root'),
    tx: hex('tx'),
    blockNumber: members.integer('block_number'),
    blockHash: hex('block_hash'),
    blockTime: members.integer('block_time'),
    logIndex: members.integer('log_index'),
  }
}
