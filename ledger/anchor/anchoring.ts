import { setTimeout as pause } from 'node:timers/promises'
import type { PolicyAnchor } from '../../proofs/anchor-policy.js'
import { codeOf, messageOf } from '../../runtime/errors.js'
import type { Logger } from '../../runtime/log.js'
import type { OutboundConfig } from '../../runtime/outbound.js'
import { readAccount } from './account.js'
import type { AnchorableLog } from './anchorable-log.js'
import { Anchorer } from './anchorer.js'
import { AnchorArchive, openAnchorStore } from './archive.js'
import type { AnchorBook, AnchoredCheckpoint, AnchorTarget } from './archive.js'
import type { AnchorConfig } from './config.js'
import { AnchorError } from './errors.js'
import { GWEI } from './fee.js'
import { openNodes } from './nodes.js'
import type { ChainNodes } from './nodes.js'
import type { AnchorStore } from './store.js'

export interface AnchoringOptions {
  /** `<data>/ledger`. */
  readonly folder: string
  readonly config: readonly AnchorConfig[]
  readonly outbound: OutboundConfig
  readonly log: AnchorableLog
  readonly clock: { now(): number }
  readonly logger: Logger
  readonly env: Readonly<Record<string, string | undefined>>
}

interface Running {
  readonly config: AnchorConfig
  readonly submitter: string
  readonly nodes: ChainNodes
  readonly anchorer: Anchorer
  problem?: NonNullable<AnchorTarget['problem']>
}

/**
 * Opens the anchors of a log. Nothing is asked or sent before `start` or `pass`.
 *
 * @throws AnchorError `ANCHOR_KEY`, `ANCHOR_STORE`; RuntimeError `SECRET_MISSING`, `OUTBOUND_REFUSED`
 */
export async function openAnchoring(options: AnchoringOptions): Promise<Anchoring> {
  const store = openAnchorStore(options.folder)
  const running: Running[] = []
  try {
    for (const config of options.config) running.push(await openTarget(config, store, options))
    assertOwnNonces(running)
  } catch (error) {
    await Promise.all(running.map(({ nodes }) => nodes.close()))
    await store.close()
    throw error
  }
  return new Anchoring(new AnchorArchive(store, options.config), running, options.logger)
}

async function openTarget(
  config: AnchorConfig,
  store: AnchorStore,
  { outbound, log, clock, logger, env }: AnchoringOptions,
): Promise<Running> {
  const account = await readAccount(config.key, env)
  const nodes = await openNodes({
    chainId: config.chain_id,
    rpc: config.rpc,
    outbound,
    timeoutMs: config.timeout_seconds * 1000,
    confirmations: config.confirmations,
    env,
  })
  const anchorer = new Anchorer({
    name: config.name,
    chainId: config.chain_id,
    contract: config.contract,
    codeHash: config.code_hash,
    agree: config.agree,
    intervalMs: config.interval_seconds * 1000,
    replaceMs: config.replace_seconds * 1000,
    // A fraction of a gwei is a price, too.
    maxFeePerGas: BigInt(Math.floor(config.max_fee_gwei * Number(GWEI))),
    budgetPerDay: BigInt(config.budget_gwei_per_day) * GWEI,
    nodes,
    account,
    store,
    log,
    clock,
    logger,
  })
  return { config, submitter: account.address, nodes, anchorer }
}

/** Two targets with one account on one chain would take each other's nonces. */
function assertOwnNonces(running: readonly Running[]): void {
  const seen = new Map<string, string>()
  for (const { config, submitter } of running) {
    const key = `${config.chain_id} ${submitter}`
    const other = seen.get(key)
    if (other !== undefined)
      throw new AnchorError(
        'ANCHOR_KEY',
        `ledger.anchors: ${other} and ${config.name} share a key on chain ${config.chain_id}`,
      )
    seen.set(key, config.name)
  }
}

/** What a verifier pins to believe the anchors of a target. */
export function pinOf(config: AnchorConfig, submitter: string): PolicyAnchor {
  const { chain_id: chainId, contract, code_hash: codeHash } = config
  return { chainId, contract, codeHash, submitter, first: 0 }
}

/** All targets of a log. */
export class Anchoring implements AnchorBook {
  readonly #archive: AnchorArchive
  readonly #running: readonly Running[]
  readonly #logger: Logger
  readonly #stop = new AbortController()
  #loops: readonly Promise<void>[] = []

  /** Use {@link openAnchoring}. */
  constructor(archive: AnchorArchive, running: readonly Running[], logger: Logger) {
    this.#archive = archive
    this.#running = running
    this.#logger = logger
  }

  /** Looks at every chain again and again, each for itself, until `stop`. */
  start(): void {
    this.#loops = this.#running.map((target) => this.#loop(target))
  }

  /** Looks at every chain once; what failed stands in `targets`. */
  async pass(): Promise<void> {
    await Promise.all(this.#running.map((target) => this.#pass(target)))
  }

  targets(newest: number): readonly AnchorTarget[] {
    const stored = this.#archive.targets(newest)
    const active = this.#running.map(({ config, submitter, problem }) => {
      const found = stored.find((one) => one.config === config && one.submitter === submitter)
      return { config, submitter, records: found?.records ?? [], ...(problem !== undefined && { problem }) }
    })
    const isActive = ({ config, submitter }: AnchorTarget): boolean =>
      active.some((one) => one.config === config && one.submitter === submitter)
    return [...active, ...stored.filter((target) => !isActive(target))]
  }

  covering(size: number): readonly AnchoredCheckpoint[] {
    return this.#archive.covering(size)
  }

  proving(size: number): AnchoredCheckpoint | undefined {
    return this.#archive.proving(size)
  }

  /** What a verifier pins to believe these anchors. */
  pins(): readonly PolicyAnchor[] {
    return this.#running.map(({ config, submitter }) => pinOf(config, submitter))
  }

  /** Lets a pass that is under way end, then releases everything. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#loops)
    await Promise.all(this.#running.map(({ nodes }) => nodes.close()))
    await this.#archive.close()
  }

  async #loop(target: Running): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      await this.#pass(target)
      await pause(target.config.poll_seconds * 1000, undefined, { signal }).catch(() => undefined)
    }
  }

  async #pass(target: Running): Promise<void> {
    try {
      await target.anchorer.pass()
      delete target.problem
    } catch (error) {
      const problem = { code: codeOf(error) ?? 'INTERNAL', message: messageOf(error) }
      const isNew = target.problem?.code !== problem.code
      target.problem = problem
      // A chain that is away for hours says so once.
      if (isNew) this.#logger.warn({ anchor: target.config.name, ...problem }, 'anchoring does not get on')
    }
  }
}
