import { readFileSync } from 'node:fs'
import t from 'tap'
import { Interface } from 'ethers/abi'
import { keccak256 } from 'ethers/crypto'
import {
  ANCHOR_CODE_HASH,
  inclusionProof,
  leafHash,
  nodeReaderOf,
  rootOfLeafHashes,
} from '../../../proofs/index.js'
import { ACCOUNTS, startAnvil } from '../../ledger/anchor/anvil.js'
import type { Chain } from '../../ledger/anchor/anvil.js'

interface Artefact {
  abi: object[]
  bytecode: string
}
const artefact = JSON.parse(
  readFileSync(new URL('../../../dist/proofs/contracts/ledger-anchor.json', import.meta.url), 'utf8'),
) as Artefact
const contract = new Interface(artefact.abi as never)
const LOG = `0x${'aa'.repeat(32)}`
const OTHER_LOG = `0x${'ab'.repeat(32)}`
const root = (n: number): string => `0x${n.toString(16).padStart(64, '0')}`

interface MinedReceipt {
  contractAddress: string
  gasUsed: string
  status: string
  logs: { address: string; data: string; topics: string[] }[]
}

async function send(chain: Chain, from: string, transaction: object): Promise<MinedReceipt> {
  const hash = await chain.rpc('eth_sendTransaction', { from: `0x${from}`, ...transaction })
  await chain.mine()
  return (await chain.rpc('eth_getTransactionReceipt', hash)) as MinedReceipt
}

const [alice, bob] = ACCOUNTS
const chain = await startAnvil()
t.teardown(() => chain.close())
const deployed = await send(chain, alice.address, { data: artefact.bytecode })
const to = deployed.contractAddress

function anchor(from: string, ...args: readonly unknown[]): Promise<MinedReceipt> {
  return send(chain, from, { to, data: contract.encodeFunctionData('anchor', args) })
}
async function read(name: string, ...args: readonly unknown[]) {
  const data = await chain.rpc('eth_call', { to, data: contract.encodeFunctionData(name, args) }, 'latest')
  return contract.decodeFunctionResult(name, data as string)
}
/** The error that the contract reverts with, and its argument. */
async function refusal(from: string, ...args: readonly unknown[]): Promise<readonly unknown[]> {
  try {
    await chain.rpc(
      'eth_call',
      { from: `0x${from}`, to, data: contract.encodeFunctionData('anchor', args) },
      'latest',
    )
  } catch (error) {
    const parsed = contract.parseError((error as { data: string }).data)
    return [parsed?.name, parsed?.args[0]]
  }
  return ['none']
}

t.test('the code on chain has the hash that verifiers pin', async (t) => {
  const code = (await chain.rpc('eth_getCode', to, 'latest')) as string
  t.equal(keccak256(code).slice(2), ANCHOR_CODE_HASH)
})

t.test('a head grows by compare-and-swap, each sender and log for itself', async (t) => {
  t.same([...(await read('head', `0x${alice.address}`, LOG))], [0n, root(0)])
  const first = await anchor(alice.address, LOG, 0, 10, root(1))
  t.equal(first.status, '0x1')
  const event = contract.parseLog(first.logs[0]!)
  t.equal(event?.name, 'Anchored')
  t.same([event?.args['logId'], event?.args['treeSize'], event?.args['root']], [LOG, 10n, root(1)])
  t.equal(String(event?.args['sender']).toLowerCase(), `0x${alice.address}`)
  const next = await anchor(alice.address, LOG, 10, 25, root(2))
  t.same([...(await read('head', `0x${alice.address}`, LOG))], [25n, root(2)])
  t.same([...(await read('head', `0x${bob.address}`, LOG))], [0n, root(0)])
  t.same([...(await read('head', `0x${alice.address}`, OTHER_LOG))], [0n, root(0)])
  t.equal((await anchor(bob.address, LOG, 0, 5, root(9))).status, '0x1')

  const { timestamp } = (await chain.rpc('eth_getBlockByNumber', '0x2', false)) as { timestamp: string }
  t.same([...(await read('anchoredAt', `0x${alice.address}`, LOG, 10, root(1)))], [BigInt(timestamp)])
  for (const args of [
    [`0x${bob.address}`, LOG, 10, root(1)],
    [`0x${alice.address}`, OTHER_LOG, 10, root(1)],
    [`0x${alice.address}`, LOG, 11, root(1)],
    [`0x${alice.address}`, LOG, 10, root(2)],
  ])
    t.same([...(await read('anchoredAt', ...args))], [0n])

  const gas = [deployed, first, next].map(({ gasUsed }) => Number(gasUsed))
  t.comment(`gas: deploy ${gas[0]}, first anchor ${gas[1]}, next ${gas[2]}`)
  t.ok(gas[0]! <= 445_000 && gas[1]! <= 92_000 && gas[2]! <= 58_000, 'it costs what the documentation says')
})

t.test('a stale, a shrinking and a forked head are refused', async (t) => {
  t.same(await refusal(alice.address, LOG, 10, 30, root(3)), ['StaleHead', 25n])
  t.same(await refusal(alice.address, LOG, 0, 30, root(3)), ['StaleHead', 25n])
  t.same(await refusal(alice.address, LOG, 25, 25, root(2)), ['NotMonotone', 25n])
  t.same(await refusal(alice.address, LOG, 25, 24, root(3)), ['NotMonotone', 25n])
  t.same(await refusal(alice.address, LOG, 25, 25, root(3)), ['Fork', root(2)])
  t.same(await refusal(alice.address, LOG, 10, 25, root(3)), ['Fork', root(2)])
  t.same(await refusal(alice.address, OTHER_LOG, 0, 0, root(3)), ['NotMonotone', 0n])
  t.same(await refusal(alice.address, LOG, 25, 26, root(3)), ['none'])
})

const hex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString('hex')}`

t.test('inclusion is judged as offline, for every entry of every small tree', async (t) => {
  const leaves = Array.from({ length: 17 }, (_, i) => leafHash(Buffer.from([i])))
  let asked = 0
  for (let size = 1; size <= leaves.length; size++) {
    const tree = nodeReaderOf(leaves.slice(0, size))
    const head = rootOfLeafHashes(leaves.slice(0, size))
    for (let index = 0; index < size; index++) {
      const path = inclusionProof(index, size, tree).map(hex)
      const ask = async (...args: readonly unknown[]) =>
        (await read('verifyInclusion', ...args))[0] as boolean
      t.equal(await ask(hex(leaves[index]!), index, size, path, hex(head)), true, `${index} of ${size}`)
      asked++
      if (asked % 5 !== 0) continue
      t.equal(await ask(hex(leaves[(index + 1) % 17]!), index, size, path, hex(head)), false, 'another leaf')
      t.equal(await ask(hex(leaves[index]!), size, size, path, hex(head)), false, 'an index outside')
      t.equal(await ask(hex(leaves[index]!), index, size, [...path, LOG], hex(head)), false, 'a longer path')
      if (path.length > 0)
        t.equal(
          await ask(hex(leaves[index]!), index, size, path.slice(1), hex(head)),
          false,
          'a shorter path',
        )
      t.equal(await ask(hex(leaves[index]!), index, size, path, LOG), false, 'another root')
    }
  }
  t.equal(asked, 153)
})

t.test('inclusion in trees of depth 10, 20 and 30', async (t) => {
  for (const [depth, limit] of [
    [10, 38_500],
    [20, 51_500],
    [30, 64_500],
  ] as const) {
    // A tree of 2^depth leaves of which only the last is known: all other subtrees are any hash at all.
    const size = 2 ** depth
    const path = Array.from({ length: depth }, (_, i) => leafHash(Buffer.from([i])))
    const leaf = leafHash(Buffer.from('leaf'))
    const tree = (level: number, index: number): Uint8Array =>
      index === size / 2 ** level - 1 ? (level === 0 ? leaf : above(level)) : path[level]!
    const above = (level: number): Uint8Array =>
      rootOfLeafHashes([path[level - 1]!, tree(level - 1, size / 2 ** (level - 1) - 1)])
    t.same(inclusionProof(size - 1, size, tree), path)
    const args = [hex(leaf), size - 1, size, path.map(hex), hex(above(depth))]
    t.same([...(await read('verifyInclusion', ...args))], [true])
    t.same([...(await read('verifyInclusion', LOG, ...args.slice(1)))], [false], 'a wrong leaf')
    const data = contract.encodeFunctionData('verifyInclusion', args)
    const gas = Number(await chain.rpc('eth_estimateGas', { to, data }))
    t.comment(`gas: inclusion at depth ${depth} ${gas}`)
    t.ok(gas <= limit, `${gas} gas at depth ${depth}`)
  }
})
