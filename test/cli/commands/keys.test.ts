import { readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { decodeSecretKey } from '../../../proofs/note-key.js'
import { portcullis } from '../../acceptance/product.js'
import { runInProcess } from '../fixtures/in-process.js'

const run = (...args: readonly string[]) => portcullis(args)

interface Listed {
  readonly keys: readonly { name: string; key_id: string; first: number; last?: number; end?: string }[]
}

void t.test('a key of another machine is made, registered, rotated and revoked', async (t) => {
  const base = t.testdir({})
  const file = (name: string) => join(base, name)
  const data = ['--data', file('data')]
  const list = async () => JSON.parse((await run('keys', 'list', '--json', ...data)).stdout) as Listed
  t.match(await run('keys', 'list', ...data), { code: 1, stderr: /^NOT_INITIALISED/ })
  const made = JSON.parse((await run('ledger', 'init', '--json', ...data)).stdout) as { origin: string }
  const ask = ['--origin', made.origin, '--request', file('request')]
  const generated = await run('keys', 'generate', 'ci/deployer', '--out', file('key'), ...ask)
  t.match(generated, { code: 0, stdout: /^name ci\/deployer\nvkey ci\/deployer\+/ })
  t.equal((await stat(file('key'))).mode & 0o777, 0o600)
  t.match(await run('keys', 'generate', 'x', '--out', file('key')), { code: 1, stderr: /^BAD_KEY/ })

  // The root key is elsewhere: what it signs there is carried to the ledger.
  await rename(file('data/keys/root'), file('root'))
  t.match(await run('keys', 'register', file('request'), ...data), { code: 2, stderr: /--root/ })
  const root = ['--root', `file:${file('root')}`]
  t.match(await run('keys', 'register', file('request'), ...root, '--out', file('entry')), { code: 0 })
  t.match(await run('ledger', 'append', file('entry'), ...data), { code: 0, stdout: /"index":0/ })
  t.match(await run('keys', 'register', file('request'), ...root, ...data), {
    code: 1,
    stderr: /^KEY_REUSED/,
  })

  const old = await readFile(file('key'), 'utf8')
  const rotated = await run('keys', 'rotate', 'ci/deployer', '--key', `file:${file('key')}`, ...data)
  t.match(rotated, { code: 0, stdout: 'index 1\n' })
  t.not(await readFile(file('key'), 'utf8'), old)
  t.notOk((await readdir(base)).includes('key.next'))
  t.match((await list()).keys, [
    { name: 'root', first: 0 },
    { name: 'ci/deployer', first: 0, last: 1, end: 'rotated' },
    { name: 'ci/deployer', first: 1 },
  ])

  const revoked = await run('keys', 'revoke', 'ci/deployer', '--cause', 'compromised', ...root, ...data)
  t.match(revoked, { code: 0, stdout: 'index 2\n' })
  t.match(await run('keys', 'rotate', 'ci/deployer', '--key', `file:${file('key')}`, ...data), {
    code: 1,
    stderr: /^KEY_NOT_VALID_AT/,
  })
  t.match(await run('keys', 'revoke', 'ci/deployer', ...root, ...data), { code: 2, stderr: /no valid key/ })
  t.match((await run('keys', 'list', ...data)).stdout, /^agent {4}ci\/deployer [0-9a-f]{8} 1-2 revoked$/m)
  const { keys } = await list()
  t.equal(keys.length, 3)
  t.ok(decodeSecretKey(old.trim()).signer.name === 'ci/deployer')
})

void t.test('a key is the root of a log that never sees its private half', async (t) => {
  const base = t.testdir({})
  const root = JSON.parse(
    (await run('keys', 'generate', 'operator', '--out', join(base, 'root'), '--json')).stdout,
  ) as {
    vkey: string
  }
  const data = join(base, 'data')
  const made = await run('ledger', 'init', '--root', root.vkey, '--data', data)
  t.match(made, { code: 0, stdout: `root   ${root.vkey}` })
  t.notOk((await readdir(data)).includes('keys'))
  const action = join(base, 'action')
  await writeFile(
    action,
    JSON.stringify({ kind: 'decision', policy: { id: 'p', rev: '1', decision: 'allow' } }),
  )
  t.match(await run('ledger', 'append', action, '--data', data), { code: 1, stderr: /^UNKNOWN_KEY/m })
  t.match(
    (await run('keys', 'list', '--data', data)).stdout,
    /^waiting {2}cli: the root key is not at hand$/m,
  )
  t.match(await run('keys', 'register', 'cli', '--root', `file:${join(base, 'root')}`, '--data', data), {
    code: 0,
    stdout: 'index 0\n',
  })
  t.match(await run('ledger', 'append', action, '--data', data), { code: 0 })
  t.match((await run('ledger', 'policy', '--data', data)).stdout, `root ${root.vkey}\n`)
})

void t.test('the key of the log itself is refused with what to do instead', async (t) => {
  const data = ['--data', join(t.testdir({}), 'data')]
  const { stdout } = await runInProcess(['ledger', 'init', '--json', ...data])
  const { origin } = JSON.parse(stdout) as { origin: string }
  const wanted = { code: 2, stderr: /is the log itself.*begin a new one/ }
  t.match(await runInProcess(['keys', 'rotate', origin, '--key', 'file:key', ...data]), wanted)
  t.match(await runInProcess(['keys', 'revoke', origin, ...data]), wanted)
})
