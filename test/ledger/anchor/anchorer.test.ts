import t from 'tap'
import { encodeAnchor } from '../../../ledger/anchor/contract.js'
import { Account } from '../../../ledger/anchor/account.js'
import { ACCOUNTS } from './anvil.js'
import { append, sample } from './sample-anchoring.js'
import type { Sample } from './sample-anchoring.js'

const HOUR = 3_600_000

/** Sends what is queued, and mines it. */
async function anchor(s: Sample): Promise<void> {
  await s.pass()
  await s.chain.mine()
  await s.pass()
}

t.test('an anchor goes from queued to final, as the chain does', async (t) => {
  const s = await sample(t.testdir())
  t.teardown(() => s.close())
  await s.pass()
  t.match(s.last(), { size: 3, state: 'sent', attempts: { length: 1 }, nonce: 0 })
  await s.pass()
  t.match(s.last(), { state: 'sent', attempts: { length: 1 } }, 'another look changes nothing')
  await s.chain.mine()
  await s.pass()
  t.match(s.last(), { state: 'mined', block: { blockNumber: 2 } })
  t.same(s.anchoring.covering(1), [], 'only a final anchor proves anything')
  await s.chain.mine()
  await s.pass()
  t.match(s.last(), { state: 'safe' })
  await s.chain.mine()
  await s.pass()
  t.match(s.last(), { state: 'finalized', attempts: [{ hash: String, raw: undefined }] })
  t.match(s.anchoring.covering(3), [{ name: 'local', size: 3, anchor: { size: 3, chainId: 31337 } }])
  t.same(s.anchoring.covering(4), [])
  t.ok(BigInt(s.last().cost) > 0n)
  t.equal(s.problem(), undefined)
})

t.test('the next anchor comes when the log grew and the interval is over', async (t) => {
  const s = await sample(t.testdir())
  t.teardown(() => s.close())
  await anchor(s)
  s.clock.pass(2 * HOUR)
  await s.pass()
  t.equal(s.records().length, 1, 'the log did not grow')
  await append(s.log, 2)
  await s.pass()
  t.match(s.last(), { size: 5, state: 'sent', previous: 3, nonce: 1 })
  await append(s.log, 1)
  await s.chain.mine()
  await s.pass()
  t.match(s.last(), { size: 5, state: 'mined' }, 'the interval is not over')
  s.clock.pass(HOUR)
  await s.pass()
  t.match(s.last(), { size: 6, state: 'sent', previous: 5 })
})

t.test('an orphaned anchor is sent again, and counts only when it is mined again', async (t) => {
  const s = await sample(t.testdir())
  t.teardown(() => s.close())
  await anchor(s)
  const { hash } = s.last().attempts[0]!
  const before = s.last().block!.blockHash
  await s.chain.rpc('anvil_reorg', 1, [])
  t.equal(await s.chain.rpc('eth_getTransactionReceipt', `0x${hash}`), null, 'the block is gone')
  await s.chain.mine(5)
  await s.pass()
  t.match(s.last(), { state: 'sent', orphaned: 1, block: undefined })
  t.same(s.anchoring.covering(1), [], 'a chain that goes on does not confirm what it undid')
  await s.chain.mine()
  await s.pass()
  t.match(s.last(), { state: 'mined', attempts: [{ hash }] })
  t.not(s.last().block!.blockHash, before)
  await s.chain.mine(2)
  await s.pass()
  t.match(s.last(), { state: 'finalized', orphaned: 1 })
})

t.test('a deep reorganisation undoes several anchors, and all of them come back in order', async (t) => {
  const s = await sample(t.testdir(), { interval_seconds: 1 })
  t.teardown(() => s.close())
  await s.chain.rpc('anvil_setBlockTimestampInterval', 1)
  for (let i = 0; i < 3; i++) {
    await s.pass()
    await s.chain.mine()
    await s.pass()
    await append(s.log)
    s.clock.pass(1000)
  }
  const mined = s.records().filter(({ state }) => state !== 'sent')
  t.equal(mined.length, 3)
  await s.chain.rpc('anvil_reorg', 2, [])
  for (
    let i = 0;
    i < 12 &&
    !s
      .records()
      .slice(0, 3)
      .every(({ state }) => state === 'finalized');
    i++
  ) {
    await s.pass()
    await s.chain.mine()
  }
  await s.pass()
  t.ok(
    s
      .records()
      .slice(0, 3)
      .every(({ state }) => state === 'finalized'),
    JSON.stringify(
      s.records().map(({ size, state, orphaned, waitsFor }) => ({ size, state, orphaned, waitsFor })),
    ),
  )
  t.ok(s.records().some(({ orphaned }) => orphaned > 0))
})

t.test('a transaction that nobody mines is replaced with more fee and the same nonce', async (t) => {
  const s = await sample(t.testdir(), { replace_seconds: 60 })
  t.teardown(() => s.close())
  await s.pass()
  const [first] = s.last().attempts
  s.clock.pass(59_000)
  await s.pass()
  t.equal(s.last().attempts.length, 1)
  s.clock.pass(2_000)
  await s.pass()
  const [, second] = s.last().attempts
  t.equal(second?.nonce, first?.nonce)
  t.ok(BigInt(second!.maxFeePerGas) * 10n >= BigInt(first!.maxFeePerGas) * 11n)
  t.ok(BigInt(second!.priorityFeePerGas!) * 10n >= BigInt(first!.priorityFeePerGas!) * 11n)
  await s.chain.mine()
  await s.pass()
  t.match(s.last(), { state: 'mined', block: { tx: second!.hash }, attempts: { length: 2 } })
})

t.test('a transaction that was given up and is mined all the same is found', async (t) => {
  const s = await sample(t.testdir(), { replace_seconds: 60 })
  t.teardown(() => s.close())
  await s.pass()
  const [first] = s.last().attempts
  s.clock.pass(61_000)
  await s.pass()
  t.equal(s.last().attempts.length, 2)
  // Another miner has the old transaction in its pool and never saw the new one.
  await s.chain.rpc('anvil_dropAllTransactions')
  await s.chain.rpc('eth_sendRawTransaction', first!.raw)
  await s.chain.mine()
  await s.pass()
  t.match(s.last(), { state: 'mined', block: { tx: first!.hash }, attempts: { length: 2 } })
  const count = Number(await s.chain.rpc('eth_getTransactionCount', `0x${ACCOUNTS[0].address}`, 'latest'))
  t.equal(count, 1, 'one nonce was used')
})

t.test('what a node forgot is sent again', async (t) => {
  const s = await sample(t.testdir())
  t.teardown(() => s.close())
  await s.pass()
  await s.chain.rpc('anvil_dropAllTransactions')
  await s.chain.mine()
  await s.pass()
  await s.chain.mine()
  await s.pass()
  t.match(s.last(), { state: 'mined', attempts: { length: 1 } })
})

t.test('a nonce that another transaction took is given up, and the anchor gets a new one', async (t) => {
  const s = await sample(t.testdir())
  t.teardown(() => s.close())
  await s.pass()
  await s.chain.rpc('anvil_dropAllTransactions')
  await s.chain.rpc('eth_sendTransaction', {
    from: `0x${ACCOUNTS[0].address}`,
    to: `0x${ACCOUNTS[1].address}`,
    value: '0x1',
  })
  await s.chain.mine()
  await s.pass()
  t.match(s.last(), { nonce: 1, attempts: [{ nonce: 0 }, { nonce: 1 }] })
  await s.chain.mine()
  await s.pass()
  t.match(s.last(), { state: 'mined' })
})

t.test('over the budget an anchor waits, until the day is over', async (t) => {
  const s = await sample(t.testdir(), { budget_gwei_per_day: 1_000_000, interval_seconds: 1 })
  t.teardown(() => s.close())
  await anchor(s)
  t.equal(s.last().state, 'mined')
  let sent = 1
  for (; sent < 20; sent++) {
    await append(s.log)
    s.clock.pass(1_000)
    await s.pass()
    if (s.last().waitsFor !== undefined) break
    await s.chain.mine()
    await s.pass()
  }
  t.match(s.last(), { state: 'queued', attempts: [], waitsFor: /budget/ })
  const { size } = s.last()
  await append(s.log)
  await s.pass()
  t.equal(s.last().size, size + 1, 'what waits unsent gives way to the newest checkpoint')
  t.equal(s.records().filter(({ state }) => state === 'queued').length, 1)
  const spent = s.records().reduce((sum, { cost }) => sum + BigInt(cost), 0n)
  t.ok(spent <= 1_000_000n * 1_000_000_000n, `${spent} wei for ${sent} anchors`)
  s.clock.pass(25 * HOUR)
  await s.pass()
  t.match(s.last(), { state: 'sent', waitsFor: undefined })
})

t.test('while the chain asks for more than the cap, an anchor waits', async (t) => {
  const s = await sample(t.testdir(), { max_fee_gwei: 0.000001 })
  t.teardown(() => s.close())
  await s.pass()
  t.match(s.last(), { state: 'queued', attempts: [], waitsFor: /max_fee_gwei/ })
  await s.restart({ max_fee_gwei: 10 })
  await s.pass()
  t.match(s.last(), { state: 'sent' })
})

t.test('a replacement over the cap is not made', async (t) => {
  const s = await sample(t.testdir(), { max_fee_gwei: 3, replace_seconds: 60 })
  t.teardown(() => s.close())
  for (let i = 0; i < 6; i++) {
    await s.pass()
    s.clock.pass(61_000)
  }
  t.match(s.last(), { state: 'sent', waitsFor: /max_fee_gwei/ })
  for (const { maxFeePerGas } of s.last().attempts) t.ok(BigInt(maxFeePerGas) <= 3_000_000_000n)
  await s.chain.mine()
  await s.pass()
  t.match(s.last(), { state: 'mined', waitsFor: undefined })
})

/** Anchors as the same account, but not through the anchorer. */
async function foreign(s: Sample, size: number, root: string): Promise<void> {
  const [account] = ACCOUNTS
  const { logId } = { logId: s.last().logId }
  await s.chain.rpc('eth_sendTransaction', {
    from: `0x${account.address}`,
    to: `0x${s.contract}`,
    data: encodeAnchor({ logId, size, root }, s.last().size),
  })
  await s.chain.mine()
}

t.test('a log that forked from what it anchored is not anchored further', async (t) => {
  const s = await sample(t.testdir(), { interval_seconds: 1 })
  t.teardown(() => s.close())
  await anchor(s)
  await append(s.log, 3)
  await foreign(s, 5, '77'.repeat(32))
  s.clock.pass(1000)
  await s.pass()
  t.equal(s.problem(), 'HEAD_FORKED')
  t.match(s.last(), { size: 6, state: 'queued', attempts: [] })
})

t.test('a log that is behind what it anchored is not anchored further', async (t) => {
  const s = await sample(t.testdir(), { interval_seconds: 1 })
  t.teardown(() => s.close())
  await anchor(s)
  await append(s.log)
  await foreign(s, 50, '77'.repeat(32))
  s.clock.pass(1000)
  await s.pass()
  t.equal(s.problem(), 'HEAD_AHEAD')
})

t.test('a tree that the account anchored elsewhere is superseded here', async (t) => {
  const s = await sample(t.testdir(), { interval_seconds: 1 })
  t.teardown(() => s.close())
  await anchor(s)
  await append(s.log)
  await foreign(s, 4, Buffer.from(s.log.rootAt(4)).toString('hex'))
  s.clock.pass(1000)
  await s.pass()
  t.match(s.last(), { size: 4, state: 'superseded', attempts: [] })
  await append(s.log)
  s.clock.pass(1000)
  await anchor(s)
  t.match(s.last(), { size: 5, state: 'mined', previous: 4 })
})

t.test('a transaction that the contract refused is queued anew', async (t) => {
  const s = await sample(t.testdir())
  t.teardown(() => s.close())
  await s.pass()
  const [sent] = s.last().attempts
  // The same account anchors a smaller tree of ours first, in the same block: ours then expects a stale head.
  await s.chain.rpc('anvil_dropAllTransactions')
  const account = new Account(ACCOUNTS[0].key)
  const root = Buffer.from(s.log.rootAt(2)).toString('hex')
  const other = account.sign({
    chainId: 31337,
    nonce: 1,
    to: s.contract,
    data: encodeAnchor({ logId: s.last().logId, size: 2, root }, 0),
    gasLimit: 200_000n,
    fee: { maxFeePerGas: 10_000_000_000n, priorityFeePerGas: 1_000_000_000n },
  })
  await s.chain.rpc('anvil_setNonce', `0x${ACCOUNTS[0].address}`, '0x1')
  await s.chain.rpc('eth_sendRawTransaction', other.raw)
  await s.chain.mine()
  await s.chain.rpc('anvil_setNonce', `0x${ACCOUNTS[0].address}`, '0x0')
  await s.chain.rpc('eth_sendRawTransaction', sent!.raw)
  await s.chain.mine()
  await s.chain.rpc('anvil_setNonce', `0x${ACCOUNTS[0].address}`, '0x2')
  await s.pass()
  t.match(s.last(), { state: 'sent', previous: 2, attempts: [{ nonce: 0 }, { nonce: 2 }] })
  await s.chain.mine()
  await s.pass()
  t.match(s.last(), { state: 'mined' })
})

t.test('an account without money says so and goes on when it has some', async (t) => {
  const s = await sample(t.testdir())
  t.teardown(() => s.close())
  await s.chain.rpc('anvil_setBalance', `0x${ACCOUNTS[0].address}`, '0x0')
  await s.pass()
  t.notOk(s.last().state === 'mined')
  t.match(s.last().waitsFor, /funds|balance/i)
  await s.chain.rpc('anvil_setBalance', `0x${ACCOUNTS[0].address}`, '0xde0b6b3a7640000')
  await anchor(s)
  await s.chain.mine()
  await s.pass()
  t.match(s.last().state, /mined|safe/)
})

t.test('a contract with other code is not sent to', async (t) => {
  const s = await sample(t.testdir(), { code_hash: `0x${'77'.repeat(32)}` })
  t.teardown(() => s.close())
  await s.pass()
  t.equal(s.problem(), 'WRONG_CODE')
  t.match(s.last(), { state: 'queued', attempts: [] })
  await s.restart({ contract: `0x${ACCOUNTS[1].address}` })
  await s.pass()
  t.equal(s.problem(), 'WRONG_CODE')
})
