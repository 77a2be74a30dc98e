import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Command } from 'commander'

import { readAccount } from '../../ledger/anchor/account.js'
import type { Anchoring } from '../../ledger/anchor/anchoring.js'
import { describeTarget } from '../../ledger/anchor/api.js'
import { deployContract } from '../../ledger/anchor/deploy.js'
import { GWEI } from '../../ledger/anchor/fee.js'
import { openNodes } from '../../ledger/anchor/nodes.js'
import { openAnchors } from '../../ledger/anchor/open.js'
import { LedgerError } from '../../ledger/errors.js'
import { openConfiguredLog } from '../../ledger/role.js'
import { openWitnessing } from '../../ledger/witnessing/open.js'
import { privateFolder } from '../../runtime/data-folder.js'
import type { CliContext, Flags } from '../context.js'
import { UsageError } from '../context.js'
import { collect } from '../flags.js'
import { success, withAccess } from './ledger-access.js'

interface AnchorFlags extends Flags {
  readonly json?: boolean
  readonly chainId?: string
  readonly rpc?: readonly string[]
  readonly key?: string
  readonly maxFeeGwei?: string
  readonly wait?: string
  readonly until?: string
}

const clock = { now: () => Date.now() }
const CALL_MS = 20_000

/** `portcullis anchor`: checkpoints on EVM chains. The ledger anchors by itself as `ledger.anchors` says. */
export const registerAnchor = (program: Command, context: CliContext): void => {
  const anchor = program.command('anchor').description('checkpoints on EVM chains (ledger.anchors)')
  const command = (usage: string, description: string): Command =>
    anchor
      .command(usage)
      .description(description)
      .option('--config <file>', 'configuration file (YAML)')
      .option('--data <dir>', 'folder of all state (./data)')

  command('deploy', 'deploy the contract once per chain, and print what the configuration needs')
    .requiredOption('--chain-id <id>', 'EIP-155 chain id')
    .requiredOption('--rpc <url>', 'JSON-RPC endpoint, or env:NAME or file:PATH (repeatable)', collect)
    .requiredOption('--key <reference>', 'private key that pays: env:NAME, file:PATH or exec:["PROGRAM"]')
    .option('--max-fee-gwei <gwei>', 'most that is paid per gas', '100')
    .option('--wait <seconds>', 'how long a block is waited for', '300')
    .option('--json', 'as JSON')
    .action((flags: AnchorFlags) => deploy(context, flags))

  command('list', 'anchors and how they do')
    .option('--json', 'as JSON, the answer of GET /v1/anchors')
    .action((flags: AnchorFlags) =>
      withAccess(context, flags, async (access) => {
        const body = success(await access.request({ target: '/v1/anchors' }))
        context.stdout.write(flags.json ? body : overview(JSON.parse(Buffer.from(body).toString('utf8'))))
      }),
    )

  command('run', 'anchor what is due now, while the ledger does not run')
    .option('--until <state>', 'sent, mined or finalized', 'sent')
    .option('--wait <seconds>', 'how long that is waited for', '60')
    .option('--json', 'as JSON')
    .action((flags: AnchorFlags) => run(context, flags))
}

const deploy = async (context: CliContext, flags: AnchorFlags): Promise<void> => {
  const chainId = positive('--chain-id', flags.chainId)
  const cap = BigInt(Math.floor(positive('--max-fee-gwei', flags.maxFeeGwei) * Number(GWEI)))
  const waitMs = positive('--wait', flags.wait) * 1000
  const { outbound } = context.loadConfig(flags).config
  const account = await readAccount(flags.key ?? '', context.env)
  const nodes = await openNodes({
    chainId,
    rpc: flags.rpc ?? [],
    outbound,
    timeoutMs: CALL_MS,
    env: context.env,
  })
  try {
    const signal = AbortSignal.timeout(waitMs)
    const { contract, codeHash, tx, gasUsed } = await deployContract(nodes, chainId, account, cap, signal)
    const facts = {
      chain_id: chainId,
      contract: `0x${contract}`,
      code_hash: `0x${codeHash}`,
      submitter: `0x${account.address}`,
      tx: `0x${tx}`,
      gas: Number(gasUsed),
    }
    context.stdout.write(
      flags.json
        ? `${JSON.stringify(facts)}\n`
        : Object.entries(facts)
            .map(([name, value]) => `${name}: ${typeof value === 'string' ? `'${value}'` : value}\n`)
            .join(''),
    )
  } finally {
    await nodes.close()
  }
}

/** States that come after each that can be waited for, and itself. */
const REACHED: Readonly<Record<string, readonly string[]>> = {
  sent: ['sent', 'mined', 'safe', 'finalized', 'superseded'],
  mined: ['mined', 'safe', 'finalized', 'superseded'],
  finalized: ['finalized', 'superseded'],
}

const run = async (context: CliContext, flags: AnchorFlags): Promise<void> => {
  const until = flags.until ?? 'sent'
  const reached = Object.hasOwn(REACHED, until) ? REACHED[until] : undefined
  if (reached === undefined) throw new UsageError('--until takes sent, mined or finalized')
  const limitMs = positive('--wait', flags.wait) * 1000
  const { config } = context.loadConfig(flags)
  if (config.ledger.anchors.length === 0)
    throw new UsageError('ledger.anchors is empty: there is no chain to anchor on')
  const data = await privateFolder(resolve(config.data))
  const logger = context.logger(config, 'ledger')
  const settings = {
    data,
    config: config.ledger,
    outbound: config.outbound,
    clock,
    log: logger,
    env: context.env,
  }
  const log = await openConfiguredLog(settings).catch((error: unknown) => {
    if (!(error instanceof LedgerError) || error.code !== 'LOCKED') throw error
    throw new LedgerError('LOCKED', `the ledger of ${join(data, 'ledger')} runs, and anchors by itself`, {
      cause: error,
    })
  })
  let anchoring: Anchoring | undefined
  try {
    const witnessing = await openWitnessing(log, settings)
    anchoring = await openAnchors(log, settings, witnessing)
    if (anchoring === undefined) return
    const began = performance.now()
    let isDone = false
    for (;;) {
      await anchoring.pass()
      isDone = anchoring
        .targets(1)
        .every(
          ({ records, problem }) =>
            problem === undefined && records.every(({ state }) => reached.includes(state)),
        )
      if (isDone || performance.now() - began >= limitMs) break
      await pause(Math.min(...config.ledger.anchors.map(({ poll_seconds }) => poll_seconds)) * 1000)
    }
    const targets = anchoring.targets(1).map(describeTarget)
    context.stdout.write(flags.json ? `${JSON.stringify({ targets })}\n` : overview({ targets }))
    if (!isDone) {
      context.stderr.write(`not all of it is ${until} after ${flags.wait} s\n`)
      context.setExitCode(1)
    }
  } finally {
    await anchoring?.stop()
    await log.close()
  }
}

const positive = (flag: string, text: string | undefined): number => {
  const value = Number(text)
  if (!Number.isFinite(value) || value <= 0) throw new UsageError(`${flag} takes a number above 0`)
  return value
}

interface Overview {
  readonly targets: readonly {
    readonly name: string
    readonly chain_id: number
    readonly contract: string
    readonly submitter: string
    readonly problem?: { readonly code: string; readonly message: string }
    readonly anchors: readonly {
      readonly size: number
      readonly state: string
      readonly transactions: readonly string[]
      readonly changed_at: number
      readonly waits_for?: string
    }[]
  }[]
}

/** The answer of `GET /v1/anchors` in lines; it comes from this process or from the ledger of the same folder. */
const overview = (answer: unknown): string => {
  const { targets } = answer as Overview
  if (targets.length === 0) return 'nothing is anchored: ledger.anchors is empty, or nothing was sent yet\n'
  return targets
    .flatMap(({ name, chain_id, contract, submitter, problem, anchors }) => [
      `${name}: chain ${chain_id}, contract 0x${contract}, submitter 0x${submitter}`,
      ...(problem === undefined ? [] : [`  ${problem.code}: ${problem.message}`]),
      ...anchors.map(({ size, state, transactions, changed_at, waits_for }) => {
        const last = transactions.at(-1)
        return [
          `  ${size} entries`,
          state,
          new Date(changed_at).toISOString(),
          ...(last === undefined ? [] : [`0x${last}`]),
          ...(waits_for === undefined ? [] : [`waits for: ${waits_for}`]),
        ].join('  ')
      }),
    ])
    .map((line) => `${line}\n`)
    .join('')
}
