/** The calls, events and errors of proofs/contracts/LedgerAnchor.sol, in bytes. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Interface } from 'ethers/abi'
import { z } from 'zod'
import type { AnchorEvent } from '../../proofs/anchor.js'
import { packageRoot } from '../../runtime/package-root.js'
import { AnchorError } from './errors.js'

const contract = new Interface([
  'function anchor(bytes32 logId, uint64 expectedSize, uint64 treeSize, bytes32 root)',
  'function head(address sender, bytes32 logId) view returns (uint64 treeSize, bytes32 root)',
  'function anchoredAt(address sender, bytes32 logId, uint64 treeSize, bytes32 root) view returns (uint256)',
  'event Anchored(address indexed sender, bytes32 indexed logId, uint64 treeSize, bytes32 root)',
  'error StaleHead(uint64 treeSize)',
  'error NotMonotone(uint64 treeSize)',
  'error Fork(bytes32 root)',
])

/** A tree of a log. Hexadecimal without `0x`, as everywhere outside this file and the node's. */
export interface AnchoredTree {
  readonly logId: string
  readonly size: number
  readonly root: string
}

/** Call data of `anchor`. */
export function encodeAnchor({ logId, size, root }: AnchoredTree, expectedSize: number): string {
  return contract.encodeFunctionData('anchor', [`0x${logId}`, expectedSize, size, `0x${root}`])
}

/** Call data of `head`. */
export function encodeHead(submitter: string, logId: string): string {
  return contract.encodeFunctionData('head', [`0x${submitter}`, `0x${logId}`])
}

/** What `head` answered. Size 0: there is none. */
export function decodeHead(data: string): { readonly size: number; readonly root: string } {
  const result = decode('head', data)
  return { size: Number(result.getValue('treeSize')), root: String(result.getValue('root')).slice(2) }
}

/** Call data of `anchoredAt`. */
export function encodeAnchoredAt(submitter: string, { logId, size, root }: AnchoredTree): string {
  return contract.encodeFunctionData('anchoredAt', [`0x${submitter}`, `0x${logId}`, size, `0x${root}`])
}

/** Milliseconds since the Unix epoch; undefined when the tree is not anchored, or where there is no contract. */
export function decodeAnchoredAt(data: string): number | undefined {
  if (data === '0x') return undefined
  const seconds = Number(decode('anchoredAt', data)[0])
  return seconds === 0 ? undefined : seconds * 1000
}

function decode(name: 'head' | 'anchoredAt', data: string) {
  try {
    return contract.decodeFunctionResult(name, data)
  } catch (cause) {
    throw new AnchorError('RPC_MALFORMED', `what ${name} answered is not from the contract`, { cause })
  }
}

/** The parts of an event that its log itself holds; undefined when it is another event. */
export function decodeAnchored(log: {
  readonly topics: readonly string[]
  readonly data: string
}): Pick<AnchorEvent, 'submitter' | 'logId' | 'size' | 'root'> | undefined {
  try {
    const event = contract.parseLog({ topics: [...log.topics], data: log.data })
    if (event?.name !== 'Anchored') return undefined
    const { args } = event
    return {
      submitter: String(args.getValue('sender')).slice(2).toLowerCase(),
      logId: String(args.getValue('logId')).slice(2),
      size: Number(args.getValue('treeSize')),
      root: String(args.getValue('root')).slice(2),
    }
  } catch {
    return undefined
  }
}

/** Why the contract refuses, from the data of a revert; undefined for anything that it never says. */
export function decodeRevert(data: unknown): string | undefined {
  if (typeof data !== 'string' || !/^0x(?:[0-9a-f]{2})*$/i.test(data)) return undefined
  const error = contract.parseError(data)
  return error === null ? undefined : `${error.name}(${String(error.args[0])})`
}

const artefactSchema = z.object({ bytecode: z.string().regex(/^0x[0-9a-f]+$/) })

/** Code that deploys the contract; `npm run build` compiles it. */
export async function readBytecode(): Promise<string> {
  const path = join(packageRoot, 'dist/proofs/contracts/ledger-anchor.json')
  try {
    return artefactSchema.parse(JSON.parse(await readFile(path, 'utf8'))).bytecode
  } catch (cause) {
    throw new AnchorError('NOT_BUILT', `there is no compiled contract in ${path}`, { cause })
  }
}
