/** A log, a chain with the contract, and an anchorer between them that only moves when a test says so. */
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { anchorableLog } from '../../../ledger/anchor/anchorable-log.js'
import { openAnchoring } from '../../../ledger/anchor/anchoring.js'
import type { Anchoring } from '../../../ledger/anchor/anchoring.js'
import { anchorConfig } from '../../../ledger/anchor/config.js'
import { readBytecode } from '../../../ledger/anchor/contract.js'
import type { AnchorRecord } from '../../../ledger/anchor/record.js'
import { admit } from '../../../ledger/admission.js'
import type { Log } from '../../../ledger/log.js'
import { outboundConfig } from '../../../runtime/outbound.js'
import { agent, note, open, silent } from '../sample-log.js'
import { ACCOUNTS, startAnvil } from './anvil.js'
import type { Chain } from './anvil.js'

export const loopback = outboundConfig.parse({ allow: ['127.0.0.0/8'] })
export const alice = agent('alice')

/** A clock that tests move. */
export class TestClock {
  #now = Date.now()
  now(): number {
    return this.#now
  }
  pass(ms: number): void {
    this.#now += ms
  }
}

/** Deploys the contract from the last account of anvil; its address without `0x`. */
export async function deploy(chain: Chain): Promise<string> {
  const from = `0x${ACCOUNTS[2].address}`
  const hash = await chain.rpc('eth_sendTransaction', { from, data: await readBytecode() })
  await chain.mine()
  const receipt = (await chain.rpc('eth_getTransactionReceipt', hash)) as { contractAddress: string }
  return receipt.contractAddress.slice(2).toLowerCase()
}

export async function append(log: Log, count = 1): Promise<void> {
  for (let i = 0; i < count; i++) await log.append(await admit([note(alice)], log.keys))
}

export interface Sample {
  readonly chain: Chain
  readonly contract: string
  readonly log: Log
  readonly clock: TestClock
  anchoring: Anchoring
  /** One look at the chain. */
  pass(): Promise<void>
  /** The newest record. */
  last(): AnchorRecord
  records(): readonly AnchorRecord[]
  problem(): string | undefined
  /** Closes and opens the anchorer, as a restart does; with other settings if given. */
  restart(settings?: object): Promise<void>
  close(): Promise<void>
}

/** Boots all of it, with `size` entries in the log. */
export async function sample(folder: string, settings: object = {}, size = 3): Promise<Sample> {
  const chain = await startAnvil()
  const contract = await deploy(chain)
  const log = await open(join(folder, 'ledger'), [alice])
  await append(log, size)
  const clock = new TestClock()
  const openSample = (given: object): Promise<Anchoring> =>
    openAnchoring({
      folder: join(folder, 'ledger'),
      config: [
        anchorConfig.parse({
          name: 'local',
          chain_id: 31337,
          rpc: [chain.url],
          contract: `0x${contract}`,
          key: 'env:KEY',
          timeout_seconds: 5,
          ...given,
        }),
      ],
      outbound: loopback,
      log: anchorableLog(log, () => log.published),
      clock,
      logger: silent,
      env: { KEY: ACCOUNTS[0].key },
    })
  let used = settings
  const records = (): readonly AnchorRecord[] => made.anchoring.targets(Infinity)[0]!.records
  const made: Sample = {
    chain,
    contract,
    log,
    clock,
    anchoring: await openSample(settings),
    pass: () => made.anchoring.pass(),
    records,
    last: () => records().at(-1)!,
    problem: () => made.anchoring.targets(0)[0]!.problem?.code,
    restart: async (other) => {
      await made.anchoring.stop()
      used = other ?? used
      made.anchoring = await openSample(used)
    },
    close: async () => {
      await made.anchoring.stop()
      await log.close()
      await chain.close()
    },
  }
  return made
}

/** Waits until something holds; what is awaited is another process, which tells nobody. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let waited = 0; waited < 20_000; waited += 20) {
    if (await holds()) return
    await pause(20)
  }
  throw new Error(`${what} did not come about`)
}
