import type { Command } from 'commander'

import { verifyOnChain } from '../proofs/anchor-verify.js'
import type { Verification } from '../proofs/verification.js'
import { verifyBundle } from '../proofs/verify.js'
import type { VerifyOptions } from '../proofs/verify.js'
import { UsageError } from './context.js'
import { collect } from './flags.js'

/** Flags of a command that checks anchors. */
export interface ChainFlags {
  readonly rpc?: readonly string[]
  readonly agree?: string
  readonly confirmations?: string
}

/** Whoever verifies points at nodes of their own choice: also at one on this machine, which is the best there is. */
const ANYWHERE = { allow: ['0.0.0.0/0', '::/0'] }
const TIMEOUT_MS = 20_000

export const chainFlags = (command: Command): Command =>
  command
    .option(
      '--rpc <url>',
      'also check the anchor, through this JSON-RPC endpoint of its chain, which is then trusted for it (repeatable)',
      collect,
    )
    .option('--agree <n>', 'endpoints that have to confirm the anchor (all of them)')
    .option('--confirmations <n>', 'blocks that make a block final, for a chain without the tag finalized')

/** Verifies offline; with `--rpc` the anchor is asked for on its chain. */
export const verifyWithChain = async (
  bytes: Uint8Array,
  policy: Uint8Array,
  { rpc = [], agree, confirmations }: ChainFlags,
  options: VerifyOptions,
): Promise<Verification> => {
  if (rpc.length === 0) {
    if (agree !== undefined || confirmations !== undefined)
      throw new UsageError('--agree and --confirmations go with --rpc')
    return verifyBundle(bytes, policy, options)
  }
  const needed = agree === undefined ? rpc.length : wholeNumber('--agree', agree, rpc.length)
  const depth =
    confirmations === undefined ? undefined : wholeNumber('--confirmations', confirmations, 10_000)
  const { openReaders } = await import('../ledger/anchor/readers.js')
  const readers = openReaders(rpc, { outbound: ANYWHERE, timeoutMs: TIMEOUT_MS }, depth)
  try {
    return await verifyOnChain(bytes, policy, { ...options, readers: readers.all, agree: needed })
  } finally {
    await readers.close()
  }
}

const wholeNumber = (flag: string, text: string, most: number): number => {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (value < 1 || value > most) throw new UsageError(`${flag} takes a number from 1 to ${most}`)
  return value
}

/** What is to be said of the anchor beside the verdict: a line, or none when nobody called for one. */
export const anchorLine = ({ checks }: Verification, flags: ChainFlags): readonly string[] => {
  const check = checks.find(({ name }) => name === 'anchor')
  if (check === undefined || (flags.rpc === undefined && check.result === 'not-checked')) return []
  return [`anchor: ${check.result}: ${check.message}`]
}
