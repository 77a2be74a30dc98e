/**
 * Brings checkpoints to one contract on one chain, from one account.
 *
 * Every pass reads the truth from the chain and moves the records towards it; nothing is concluded from what a send
 * answered. What is going to be sent is durable before it is sent, so that a process that dies anywhere goes on with the same
 * transaction. A new anchor is begun only when all before it are mined: the contract compares and swaps.
 */
import type { Anchor } from '../../proofs/anchor.js'
import { weighEvidence } from '../../proofs/anchor-check.js'
import { encodeBase64 } from '../../proofs/base64.js'
import { encodeHex } from '../../proofs/bytes.js'
import { attempt } from '../../proofs/errors.js'
import type { Logger } from '../../runtime/log.js'
import type { Account, Fee } from './account.js'
import type { AnchorableLog } from './anchorable-log.js'
import { decodeHead, decodeRevert, encodeAnchor, encodeHead } from './contract.js'
import { AnchorError } from './errors.js'
import { raiseFee, suggestFee } from './fee.js'
import { inspect } from './inspection.js'
import { RpcRefusal } from './json-rpc.js'
import type { ChainNode } from './node.js'
import type { ChainNodes } from './nodes.js'
import { anchorOf, isMined, spentToday, targetId, worstCost } from './record.js'
import type { AnchorRecord, AnchorState, Attempt } from './record.js'
import type { AnchorStore } from './store.js'

/** Anchors that may be mined and not final; a chain that finalises nothing is not fed without end. */
const MAX_UNSETTLED = 32
/** Base fees change between an estimate and a block; the contract's own needs hardly do. */
const GAS_ROOM_PERCENT = 125n

export interface AnchorerOptions {
  /** As the configuration calls it. */
  readonly name: string
  readonly chainId: number
  readonly contract: string
  readonly codeHash: string
  /** Endpoints that must confirm a final anchor. */
  readonly agree: number
  readonly intervalMs: number
  readonly replaceMs: number
  /** Wei. */
  readonly maxFeePerGas: bigint
  readonly budgetPerDay: bigint
  readonly nodes: ChainNodes
  readonly account: Account
  readonly store: AnchorStore
  readonly log: AnchorableLog
  readonly clock: { now(): number }
  readonly logger: Logger
}

export class Anchorer {
  readonly target: string
  readonly #options: AnchorerOptions

  constructor(options: AnchorerOptions) {
    this.#options = options
    this.target = targetId({ ...options, submitter: options.account.address })
  }

  /**
   * Looks at the chain once and does what is due.
   *
   * @throws AnchorError what keeps it from getting on; the next pass tries again
   */
  async pass(): Promise<void> {
    const { nodes, store } = this.#options
    const node = await nodes.pick()
    try {
      for (const record of store.open(this.target)) {
        if (record.attempts.length > 0) await this.#settle(node, record)
      }
      await this.#enqueue()
      const open = store.open(this.target)
      const next = open.find((record) => !isMined(record))
      if (next?.state === 'queued' && next.nonce === undefined) await this.#begin(node, next)
    } catch (error) {
      if (!(error instanceof RpcRefusal)) nodes.avoid(node)
      throw error
    }
  }

  /** Moves a record that was sent to where the chain has it. */
  async #settle(node: ChainNode, record: AnchorRecord): Promise<void> {
    const inspection = await inspect(node, record)
    const cost = String(inspection.cost)
    switch (inspection.found) {
      case 'mined':
        return this.#mined(node, { ...record, cost }, inspection.block)
      case 'reverted':
        await this.#release({ ...record, cost }, 'the contract refused the transaction')
        return
      case 'absent': {
        const present = isMined(record) ? await this.#orphan(record) : record
        if (present.nonce === undefined) return
        if (inspection.nonceTaken) {
          await this.#release({ ...present, cost }, `another transaction took the nonce ${present.nonce}`)
        } else await this.#keepAlive(node, present)
      }
    }
  }

  async #mined(
    node: ChainNode,
    record: AnchorRecord,
    block: NonNullable<AnchorRecord['block']>,
  ): Promise<void> {
    const { logger, name } = this.#options
    const { waitsFor: _, ...rest } = record
    const moved = isMined(record) && record.block?.blockHash !== block.blockHash
    if (moved)
      logger.warn({ anchor: name, size: record.size }, 'the block of an anchor was replaced by another')
    const next: AnchorRecord = { ...rest, block, state: 'mined' }
    const state = await this.#depth(node, block.blockNumber)
    if (state !== 'finalized') return this.#put(record, { ...next, state })
    const anchor = anchorOf(next)
    const problem = anchor && (await this.#unconfirmed(anchor))
    if (problem !== undefined) return this.#put(record, { ...next, state: 'safe', waitsFor: problem })
    const attempts = next.attempts.map(withoutRaw)
    await this.#put(record, { ...next, state, attempts })
  }

  async #depth(node: ChainNode, blockNumber: number): Promise<AnchorState> {
    for (const tag of ['finalized', 'safe'] as const) {
      const settled = await node.settled(tag)
      if (settled !== undefined && blockNumber <= settled.number) return tag
    }
    return 'mined'
  }

  /** Why a final anchor is not believed yet: the same check that verifiers make, through all endpoints. */
  async #unconfirmed(anchor: Anchor): Promise<string | undefined> {
    const { nodes, agree, codeHash } = this.#options
    const observations = await nodes.observe(anchor)
    const outcome = attempt(() => weighEvidence(anchor, { codeHash }, { observations, agree }))
    if ('error' in outcome) return `${outcome.error.machineCode}: ${outcome.error.message}`
    return outcome.value.passed ? undefined : outcome.value.message
  }

  async #orphan(record: AnchorRecord): Promise<AnchorRecord> {
    const { block: _, ...rest } = record
    const next: AnchorRecord = { ...rest, state: 'orphaned', orphaned: record.orphaned + 1 }
    await this.#put(record, next)
    return next
  }

  /** Gives the nonce up and queues the record anew. Its attempts stay: they are looked for as long as it is open. */
  async #release(record: AnchorRecord, waitsFor: string): Promise<void> {
    const { nonce: _, block: __, ...rest } = record
    await this.#put(record, { ...rest, state: 'queued', waitsFor })
  }

  /** Sends again what a node forgot, and more dearly what nobody mines. */
  async #keepAlive(node: ChainNode, record: AnchorRecord): Promise<void> {
    const { clock, replaceMs } = this.#options
    const last = record.attempts.findLast(({ nonce }) => nonce === record.nonce)
    if (last?.raw === undefined) return
    const since = Math.max(last.time, record.changedAt)
    if (record.state === 'sent' && clock.now() - since >= replaceMs) return this.#replace(node, record, last)
    if (record.state !== 'sent' || !(await node.knows(last.hash))) await this.#broadcast(record, last.raw)
  }

  async #replace(node: ChainNode, record: AnchorRecord, last: Attempt): Promise<void> {
    const { maxFeePerGas: cap } = this.#options
    const suggested = await suggestFee(node, cap)
    const fee = suggested && raiseFee(feeOf(last), suggested, cap)
    if (fee === undefined) return this.#wait(record, 'a replacement would pay more than max_fee_gwei')
    await this.#sign(record, last.nonce, fee, BigInt(last.gasLimit))
  }

  /** Queues the newest checkpoint when it is time; one that waits unsent gives way to it. */
  async #enqueue(): Promise<void> {
    const { store, log, clock, intervalMs, chainId, contract, account } = this.#options
    const newest = log.newest()
    const last = store.last(this.target)
    if (newest === undefined || newest.size <= (last?.size ?? 0)) return
    const isUnsent = last?.state === 'queued' && last.attempts.length === 0
    const now = clock.now()
    if (last !== undefined && !isUnsent) {
      const open = store.open(this.target)
      if (now - last.queuedAt < intervalMs || !open.every(isMined) || open.length >= MAX_UNSETTLED) return
    }
    await store.put({
      target: this.target,
      chainId,
      contract,
      submitter: account.address,
      logId: log.logId,
      size: newest.size,
      root: encodeHex(newest.root),
      checkpoint: encodeBase64(newest.note),
      previous: 0,
      state: 'queued',
      attempts: [],
      cost: '0',
      orphaned: 0,
      queuedAt: isUnsent ? last.queuedAt : now,
      changedAt: now,
    })
    if (isUnsent) await store.remove(last)
  }

  /** Signs and sends a record that holds no nonce. */
  async #begin(node: ChainNode, record: AnchorRecord): Promise<void> {
    const { contract, codeHash, account, maxFeePerGas: cap } = this.#options
    if ((await node.codeHash(contract, 'latest')) !== codeHash)
      throw new AnchorError('WRONG_CODE', `0x${contract} has no code of the configured hash`)
    const head = await this.#head(node)
    if (head >= record.size) return this.#passedBy(record)
    const fee = await suggestFee(node, cap)
    if (fee === undefined) return this.#wait(record, 'the chain asks for more than max_fee_gwei')
    let gas: bigint
    try {
      gas = await node.estimateGas({ from: account.address, to: contract, data: encodeAnchor(record, head) })
    } catch (error) {
      if (!(error instanceof RpcRefusal)) throw error
      const reason = decodeRevert(error.data)
      if (reason === undefined) return this.#wait(record, error.message)
      throw new AnchorError('ANCHOR_REVERTED', `the contract would refuse: ${reason}`, { cause: error })
    }
    const nonce = Math.max(await node.transactionCount(account.address), this.#nextNonce())
    await this.#sign({ ...record, previous: head }, nonce, fee, (gas * GAS_ROOM_PERCENT) / 100n)
  }

  /** The chain has the tree without a transaction that we know to be mined: by ours that a node hides, or by another. */
  async #passedBy(record: AnchorRecord): Promise<void> {
    const { clock, replaceMs } = this.#options
    if (record.attempts.length > 0 && clock.now() - record.changedAt < replaceMs)
      return this.#wait(record, 'the chain has the tree, but none of our transactions')
    await this.#put(record, { ...record, state: 'superseded' })
  }

  /** Size of the newest tree on the chain, which has to be one of ours. */
  async #head(node: ChainNode): Promise<number> {
    const { contract, account, log } = this.#options
    const data = encodeHead(account.address, log.logId)
    const { size, root } = decodeHead(await node.call({ to: contract, data }, 'latest'))
    if (size === 0) return 0
    const ours = log.rootAt(size)
    if (ours === undefined)
      throw new AnchorError('HEAD_AHEAD', `the chain has ${size} entries of this log, which has fewer`)
    if (encodeHex(ours) !== root)
      throw new AnchorError(
        'HEAD_FORKED',
        `the chain has another root for the first ${size} entries of this log`,
      )
    return size
  }

  /** The nonce after the last one that is known to be used; a node that lags behind does not know it yet. */
  #nextNonce(): number {
    for (const { attempts, block } of this.#options.store.latest(this.target, this.#options.clock.now())) {
      const mined = attempts.find(({ hash }) => hash === block?.tx)
      if (mined !== undefined) return mined.nonce + 1
    }
    return 0
  }

  async #sign(record: AnchorRecord, nonce: number, fee: Fee, gasLimit: bigint): Promise<void> {
    const { chainId, contract, account, clock, store, budgetPerDay } = this.#options
    const now = clock.now()
    const price = { maxFeePerGas: String(fee.maxFeePerGas), gasLimit: String(gasLimit) }
    const others = store.latest(this.target, now).filter(({ size }) => size !== record.size)
    if (spentToday(others, now) + BigInt(record.cost) + worstCost([price]) > budgetPerDay)
      return this.#wait(record, 'the budget of the day is spent')
    const data = encodeAnchor(record, record.previous)
    const { hash, raw } = account.sign({ chainId, nonce, to: contract, data, gasLimit, fee })
    const { priorityFeePerGas } = fee
    const signed: Attempt = {
      hash,
      nonce,
      raw,
      ...price,
      ...(priorityFeePerGas !== undefined && { priorityFeePerGas: String(priorityFeePerGas) }),
      time: now,
    }
    const { waitsFor: _, ...rest } = record
    const next: AnchorRecord = { ...rest, nonce, attempts: [...record.attempts, signed] }
    await this.#put(record, next)
    await this.#broadcast(next, raw)
  }

  async #broadcast(record: AnchorRecord, raw: string): Promise<void> {
    const refusal = await this.#options.nodes.broadcast(raw)
    if (refusal !== undefined) return this.#wait(record, refusal)
    const { waitsFor: _, ...rest } = record
    await this.#put(record, { ...rest, state: 'sent' })
  }

  async #wait(record: AnchorRecord, waitsFor: string): Promise<void> {
    await this.#put(record, { ...record, waitsFor })
  }

  /** Stores a record that changed, and says so. */
  async #put(before: AnchorRecord, record: AnchorRecord): Promise<void> {
    const { store, clock, logger, name } = this.#options
    if (JSON.stringify(before) === JSON.stringify(record)) return
    await store.put({ ...record, changedAt: clock.now() })
    const { size, state, waitsFor } = record
    if (before.state === state && before.waitsFor === waitsFor) return
    const level = waitsFor !== undefined || state === 'orphaned' || state === 'superseded' ? 'warn' : 'info'
    const facts = { anchor: name, size, state, ...(waitsFor !== undefined && { waits_for: waitsFor }) }
    logger[level](facts, `an anchor is ${state}`)
  }
}

function withoutRaw(signed: Attempt): Attempt {
  const { raw: _, ...kept } = signed
  return kept
}

function feeOf({ maxFeePerGas, priorityFeePerGas }: Attempt): Fee {
  return {
    maxFeePerGas: BigInt(maxFeePerGas),
    ...(priorityFeePerGas !== undefined && { priorityFeePerGas: BigInt(priorityFeePerGas) }),
  }
}
