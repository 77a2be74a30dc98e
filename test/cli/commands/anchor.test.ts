import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { ACCOUNTS, startAnvil } from '../../ledger/anchor/anvil.js'
import type { Chain } from '../../ledger/anchor/anvil.js'
import { runInProcess } from '../fixtures/in-process.js'

const [owner, stranger] = ACCOUNTS

/** Runs a command while blocks come. */
async function whileMining<T>(chain: Chain, work: () => Promise<T>): Promise<T> {
  let isDone = false
  const mining = (async () => {
    while (!isDone) await chain.mine()
  })()
  try {
    return await work()
  } finally {
    isDone = true
    await mining
  }
}

t.test('from an empty chain to a receipt whose anchor everybody can check', async (t) => {
  const chain = await startAnvil()
  t.teardown(() => chain.close())
  const folder = t.testdir()
  const data = join(folder, 'data')
  const config = join(folder, 'portcullis.yaml')
  const key = join(folder, 'anchor-key')
  await writeFile(key, `${owner.key}\n`, { mode: 0o600 })
  const file = { outbound: { allow: ['127.0.0.0/8'] }, log: { level: 'silent' }, data }
  await writeFile(config, JSON.stringify(file))
  const run = (...args: readonly string[]) => runInProcess([...args, '--config', config])

  const deployed = await whileMining(chain, () =>
    run('anchor', 'deploy', '--chain-id', '31337', '--rpc', chain.url, '--key', `file:${key}`, '--json'),
  )
  t.equal(deployed.code, 0, deployed.stderr)
  const { contract, submitter } = JSON.parse(deployed.stdout) as { contract: string; submitter: string }
  t.equal(submitter, `0x${owner.address}`)
  t.notMatch(deployed.stdout + deployed.stderr, owner.key)

  const anchors = [
    { name: 'local', chain_id: 31337, rpc: [chain.url], contract, key: `file:${key}`, poll_seconds: 0.1 },
  ]
  await writeFile(config, JSON.stringify({ ...file, ledger: { name: 'test', anchors } }))
  t.equal((await run('ledger', 'init')).code, 0)
  t.match(await run('anchor', 'list'), { code: 0, stdout: /nothing is anchored/ })
  const action = join(folder, 'action.json')
  await writeFile(
    action,
    JSON.stringify({ kind: 'decision', policy: { id: 'p', rev: '1', decision: 'allow' } }),
  )
  const appended = await run('ledger', 'append', action, '--agent', 'alice')
  t.equal(appended.code, 0, appended.stderr)
  const before = await run('ledger', 'receipt', '0')
  t.notMatch(before.stdout, '"anchor"')

  const ran = await whileMining(chain, () => run('anchor', 'run', '--until', 'finalized'))
  t.match(ran, { code: 0, stdout: /local: chain 31337.*\n {2}\d+ entries {2}finalized/ }, ran.stderr)
  t.match(await run('anchor', 'list'), { code: 0, stdout: ran.stdout })

  const receipt = join(folder, 'receipt.json')
  const trust = join(folder, 'policy.txt')
  t.equal((await run('ledger', 'receipt', '0', '--out', receipt)).code, 0)
  const policy = await run('ledger', 'policy')
  t.match(policy.stdout, new RegExp(`^anchor 31337 ${contract} 0x[0-9a-f]{64} 0x${owner.address}$`, 'm'))
  await writeFile(trust, policy.stdout)

  const verify = (...args: readonly string[]) => runInProcess(['verify', receipt, '--trust', trust, ...args])
  const through = await verify('--rpc', chain.url)
  t.match(through, {
    code: 0,
    stdout: /anchor: pass: final in block \d+ of chain 31337, as one RPC endpoint says/,
  })
  t.match(await verify('--rpc', chain.url, '--rpc', chain.url, '--agree', '1'), {
    code: 0,
    stdout: /2 of 2 RPC/,
  })
  t.match(await verify(), { code: 0, stdout: /^ok: [^\n]*\n$/ })
  const offline = JSON.parse((await verify('--json')).stdout) as { checks: { name: string }[] }
  t.match(
    offline.checks.find(({ name }) => name === 'anchor'),
    { result: 'not-checked', message: /was not asked/ },
  )

  await writeFile(trust, policy.stdout.replace(owner.address, stranger.address))
  t.match(await verify('--rpc', chain.url), { code: 1, stderr: /^wrong_submitter/ })
  await writeFile(trust, policy.stdout.replace(/ 0x[0-9a-f]{64} /, ` 0x${'77'.repeat(32)} `))
  t.match(await verify('--rpc', chain.url), { code: 1, stderr: /^anchor_mismatch/ })
  await writeFile(trust, policy.stdout)
  const other = await startAnvil('--chain-id', '5')
  t.teardown(() => other.close())
  t.match(await verify('--rpc', other.url), {
    code: 1,
    stderr: /^anchor_mismatch: the endpoint serves chain 5/,
  })
  const empty = await startAnvil()
  t.teardown(() => empty.close())
  t.match(await verify('--rpc', empty.url), { code: 1, stderr: /^anchor_missing/ })
  t.match(await verify('--rpc', 'http://127.0.0.1:1'), { code: 1, stderr: /^not_checked/ })
  await writeFile(receipt, before.stdout)
  t.match(await verify('--rpc', chain.url), { code: 1, stderr: /^anchor_missing/ })
})

t.test('what cannot work is refused before anything is sent', async (t) => {
  const folder = t.testdir()
  const config = join(folder, 'portcullis.yaml')
  await writeFile(config, JSON.stringify({ data: join(folder, 'data'), log: { level: 'silent' } }))
  const run = (...args: readonly string[]) => runInProcess([...args, '--config', config])
  t.match(await run('anchor', 'run'), { code: 2, stderr: /ledger\.anchors is empty/ })
  t.match(await run('anchor', 'run', '--until', 'never'), { code: 2, stderr: /--until/ })
  const deploy = ['anchor', 'deploy', '--chain-id', '1', '--rpc', 'http://127.0.0.1:1', '--key']
  t.match(await run(...deploy, `file:${config}.none`), { code: 1, stderr: /^SECRET_MISSING/ })
  const key = join(folder, 'key')
  await writeFile(key, 'not a key\n', { mode: 0o600 })
  t.match(await run(...deploy, `file:${key}`), { code: 1, stderr: /^ANCHOR_KEY/ })
  await writeFile(key, `${owner.key}\n`, { mode: 0o600 })
  t.match(await run(...deploy, `file:${key}`), { code: 1, stderr: /^OUTBOUND_REFUSED/ })
  t.match(await run(...deploy, `file:${key}`, '--wait', '0'), { code: 2, stderr: /--wait/ })
  t.match(await runInProcess(['verify', config, '--trust', config, '--agree', '1']), {
    code: 2,
    stderr: /--rpc/,
  })
})
