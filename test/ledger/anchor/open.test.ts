/** Witnesses, a log and a chain together: what is anchored is what the quorum cosigned. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { runInProcess } from '../../cli/fixtures/in-process.js'
import { note } from '../sample-log.js'
import { ask, jsonOf, start } from '../sample-role.js'
import { lineOf, LOOPBACK, makeLog, witness } from '../witnessing/sample-witnesses.js'
import { ACCOUNTS, startAnvil } from './anvil.js'
import { deploy, until } from './sample-anchoring.js'

interface Target {
  readonly anchors: readonly { readonly size: number; readonly state: string }[]
}

void t.test('a log without its quorum waits, and is anchored with its cosignatures after', async (t) => {
  const chain = await startAnvil()
  t.teardown(() => chain.close())
  const folder = t.testdir({ log: {}, a: {}, b: {} })
  const data = join(folder, 'log')
  const { vkey, alice } = await makeLog(data)
  const a = await witness(join(folder, 'a'), vkey)
  t.teardown(() => a.stop())
  let b = await witness(join(folder, 'b'), vkey)
  t.teardown(() => b.stop())
  const listen = b.info['listen']
  const lines = [lineOf('a', a), lineOf('b', b), 'group both all a b', 'quorum both', '']
  await b.stop()

  const key = join(folder, 'key')
  await writeFile(key, `${ACCOUNTS[0].key}\n`, { mode: 0o600 })
  const contract = `0x${await deploy(chain)}`
  const target = { name: 'local', chain_id: 31337, rpc: [chain.url], contract, key: `file:${key}` }
  const running = await start(data, {
    outbound: LOOPBACK,
    config: {
      witnesses: { policy: lines.join('\n'), interval_seconds: 0, wait_seconds: 1, failure: 'closed' },
      anchors: [{ ...target, poll_seconds: 0.1 }],
    },
  })
  t.teardown(() => running.stop())
  const anchors = async () => (jsonOf(await ask(data, '/v1/anchors'))['targets'] as Target[])[0]!.anchors

  // The second for which the quorum is waited for is ten looks at the chain.
  const unmet = await ask(data, '/v1/entries?wait=witnessed', {
    method: 'POST',
    headers: { 'content-type': 'text/x.portcullis.note' },
    body: note(alice),
  })
  t.match(unmet, { status: 503 })
  t.match(jsonOf(unmet), { code: 'quorum_unmet' })
  t.match(jsonOf(await ask(data, '/health')), { quorum: 'unmet', size: 1 })
  t.equal(typeof running.role.checks['witnesses']?.(), 'string', 'it is not ready, and says why')
  t.same(await anchors(), [], 'nothing was queued')
  const sent = (await chain.rpc('eth_getTransactionCount', `0x${ACCOUNTS[0].address}`, 'pending')) as string
  t.equal(Number(sent), 0, 'nothing was sent')

  b = await witness(join(folder, 'b'), vkey, listen)
  await until(async () => {
    await chain.mine()
    return (await anchors()).some(({ state }) => state === 'finalized')
  }, 'a final anchor')
  t.match(await anchors(), [{ size: 1, state: 'finalized' }])

  const receipt = join(folder, 'receipt.json')
  const trust = join(folder, 'policy.txt')
  const { body } = await ask(data, '/v1/entries/0/receipt')
  await writeFile(receipt, body)
  await writeFile(trust, (await ask(data, '/.well-known/ledger-policy')).body)
  const { code, stdout, stderr } = await runInProcess([
    'verify',
    receipt,
    '--trust',
    trust,
    '--rpc',
    chain.url,
    '--json',
  ])
  t.equal(code, 0, stderr)
  const { checks } = JSON.parse(stdout) as { checks: { name: string; result: string; message: string }[] }
  t.match(
    checks.find(({ name }) => name === 'anchor'),
    { result: 'pass', message: /final in block/ },
  )
  t.match(
    checks.find(({ name }) => name === 'quorum'),
    { result: 'pass' },
    'the anchored checkpoint carries the cosignatures',
  )
})
