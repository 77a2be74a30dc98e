import t from 'tap'
import type { Test } from 'tap'
import { HANG, RpcProxy } from './rpc-proxy.js'
import type { Lie } from './rpc-proxy.js'
import { append, sample } from './sample-anchoring.js'
import type { Sample } from './sample-anchoring.js'

interface Lying extends Sample {
  readonly proxy: RpcProxy
}

/** An anchorer that sees its chain through a proxy only, unless told to use the chain, too. */
async function lying(
  t: Test,
  settings: (proxy: string, chain: string) => object = () => ({}),
): Promise<Lying> {
  const s = await sample(t.testdir())
  const proxy = await RpcProxy.start(s.chain.url)
  await s.restart({ timeout_seconds: 0.5, rpc: [proxy.url], ...settings(proxy.url, s.chain.url) })
  t.teardown(async () => {
    await proxy.close()
    await s.close()
  })
  return Object.assign(s, { proxy })
}

/** Answers one method with something else. */
const answering =
  (method: string, change: (truth: unknown, params: readonly unknown[]) => unknown): Lie =>
  async (call, truth) =>
    call.method === method ? change(await truth(), call.params) : truth()

async function sent(s: Lying): Promise<number> {
  return s.proxy.calls.filter(({ method }) => method === 'eth_sendRawTransaction').length
}

t.test('an endpoint of another chain is not sent anything', async (t) => {
  const s = await lying(t)
  s.proxy.lie = answering('eth_chainId', () => '0x1')
  await s.pass()
  t.equal(s.problem(), 'WRONG_CHAIN')
  t.equal(await sent(s), 0)
  t.same(s.records(), [])
})

t.test('an endpoint that changes its chain later is noticed, too', async (t) => {
  const s = await lying(t)
  await s.pass()
  t.match(s.last(), { state: 'sent' })
  s.proxy.lie = answering('eth_chainId', () => '0x5')
  await s.chain.mine()
  await s.pass()
  t.equal(s.problem(), 'WRONG_CHAIN')
  t.match(s.last(), { state: 'sent' })
  s.proxy.lie = undefined
  await s.pass()
  t.match(s.last(), { state: 'mined' })
  t.equal(s.problem(), undefined)
})

t.test('a receipt of a transaction that is not mined is not believed', async (t) => {
  const s = await lying(t)
  await s.pass()
  const [attempt] = s.last().attempts
  const block = (await s.chain.rpc('eth_getBlockByNumber', 'latest', false)) as Record<string, string>
  s.proxy.lie = answering('eth_getTransactionReceipt', () => ({
    transactionHash: `0x${attempt!.hash}`,
    status: '0x1',
    blockNumber: block['number'],
    blockHash: block['hash'],
    gasUsed: '0x1',
    logs: [],
  }))
  await s.pass()
  t.equal(s.problem(), 'RPC_INCONSISTENT')
  t.match(s.last(), { state: 'sent', block: undefined })
})

t.test('a receipt with the right event is not believed against the contract', async (t) => {
  const s = await lying(t)
  await s.pass()
  await s.chain.mine()
  let receipt: unknown
  s.proxy.lie = answering('eth_getTransactionReceipt', (truth) => (receipt = truth))
  await s.pass()
  t.match(s.last(), { state: 'mined' })
  await s.chain.rpc('anvil_reorg', 1, [])
  const block = (await s.chain.rpc('eth_getBlockByNumber', 'latest', false)) as Record<string, string>
  s.proxy.lie = answering('eth_getTransactionReceipt', () => ({
    ...(receipt as object),
    blockNumber: block['number'],
    blockHash: block['hash'],
  }))
  await s.pass()
  t.equal(s.problem(), 'RPC_INCONSISTENT')
  t.not(s.last().state, 'finalized')
})

t.test('the receipt of another transaction is not believed', async (t) => {
  const s = await lying(t)
  await s.pass()
  await s.chain.mine()
  s.proxy.lie = answering('eth_getTransactionReceipt', (truth) => ({
    ...(truth as object),
    transactionHash: `0x${'77'.repeat(32)}`,
  }))
  await s.pass()
  t.equal(s.problem(), 'RPC_INCONSISTENT')
})

t.test('a hidden receipt makes no second anchor', async (t) => {
  const s = await lying(t)
  await s.pass()
  await s.chain.mine()
  s.proxy.lie = answering('eth_getTransactionReceipt', () => null)
  for (let i = 0; i < 3; i++) await s.pass()
  t.notMatch(s.last(), { state: 'mined' })
  t.equal(s.last().attempts.length, 1, 'nothing new is signed while the chain has the tree')
  s.proxy.lie = undefined
  await s.pass()
  t.match(s.last(), { state: 'mined', attempts: { length: 1 } })
})

t.test('a head that is not ours stops the anchorer, and a false one for a while only', async (t) => {
  const s = await lying(t, () => ({ interval_seconds: 1 }))
  const word = (n: bigint): string => n.toString(16).padStart(64, '0')
  s.proxy.lie = async (call, truth) => {
    const [request] = call.params as [{ data?: string }]
    const isHead = call.method === 'eth_call' && request.data?.length === 2 + 8 + 128
    return isHead ? `0x${word(2n)}${word(99n)}` : truth()
  }
  await s.pass()
  t.equal(s.problem(), 'HEAD_FORKED')
  t.equal(await sent(s), 0)
  s.proxy.lie = undefined
  await s.pass()
  t.match(s.last(), { state: 'sent' })
})

t.test('other code at the contract is not sent to', async (t) => {
  const s = await lying(t)
  s.proxy.lie = answering('eth_getCode', () => '0x6000')
  await s.pass()
  t.equal(s.problem(), 'WRONG_CODE')
  t.equal(await sent(s), 0)
})

t.test(
  'a final block that one endpoint makes up does not make an anchor final when two have to agree',
  async (t) => {
    const s = await lying(t, (proxy, chain) => ({ rpc: [proxy, chain], agree: 2 }))
    s.proxy.lie = async (call, truth) => {
      const [tag] = call.params
      if (call.method !== 'eth_getBlockByNumber' || (tag !== 'finalized' && tag !== 'safe')) return truth()
      return s.chain.rpc('eth_getBlockByNumber', 'latest', false)
    }
    await s.pass()
    await s.chain.mine()
    await s.pass()
    t.match(s.last(), { state: 'safe', waitsFor: /^anchor_not_final: 1 of 2 endpoints/ })
    t.same(s.anchoring.covering(1), [])
    await s.chain.mine(2)
    await s.pass()
    t.match(s.last(), { state: 'finalized', waitsFor: undefined })
  },
)

t.test('an endpoint that does not answer is left for the next one', async (t) => {
  const s = await lying(t, (proxy, chain) => ({ rpc: [proxy, chain] }))
  s.proxy.lie = async () => HANG
  await s.pass()
  t.match(s.last(), { state: 'sent' })
  t.equal(s.problem(), undefined)
})

t.test('a send that timed out and took effect all the same is one anchor', async (t) => {
  const s = await lying(t)
  s.proxy.lie = async (call, truth) => {
    const told = await truth()
    return call.method === 'eth_sendRawTransaction' ? HANG : told
  }
  await s.pass()
  t.match(s.last(), { state: 'queued', attempts: { length: 1 }, waitsFor: String })
  await s.chain.mine()
  s.proxy.lie = undefined
  await s.pass()
  t.match(s.last(), { state: 'mined', attempts: { length: 1 }, waitsFor: undefined })
})

t.test('answers of any other shape end in an error, and change nothing', async (t) => {
  const s = await lying(t)
  await s.pass()
  await s.chain.mine()
  const junk = ['RAW:', 'RAW:[]', 'RAW:{"id":1}', 'RAW:{"jsonrpc":"2.0","id":77,"result":"0x1"}', 'RAW:null']
  for (const told of [...junk, [], {}, 7, '0x', '0xzz', { status: '0x1' }, `0x${'f'.repeat(64)}`]) {
    s.proxy.lie = async (call, truth) => (call.method === 'eth_chainId' ? truth() : told)
    await s.pass()
    t.match(s.last(), { state: 'sent', attempts: { length: 1 } }, JSON.stringify(told))
    t.match(s.problem(), /^RPC_/)
  }
  s.proxy.lie = async () => `RAW:${'x'.repeat(5_000_000)}`
  await s.pass()
  t.match(s.problem(), /^RPC_FAILED/)
  s.proxy.lie = undefined
  await append(s.log)
  await s.pass()
  t.match(s.last(), { size: 3, state: 'mined' })
})
