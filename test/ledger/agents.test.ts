import { chmod, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { encodeBase64 } from '../../proofs/base64.js'
import { encodeVkey, noteSigner, SIGNATURE_TYPES } from '../../proofs/note-key.js'
import { AgentKeys, readAgentKeys, readAllAgentKeys, registerAgentKey } from '../../ledger/agents.js'
import { agent } from './sample-log.js'

const nobody = new Uint8Array(32)

void t.test('an agent has its keys under its name, the newest last', async (t) => {
  const folder = join(t.testdir(), 'agents')
  const [first, second] = [agent('ci/deployer'), agent('ci/deployer')]
  t.same(await readAgentKeys(folder, 'ci/deployer'), [])
  t.equal((await readAllAgentKeys(folder)).size, 0)
  await registerAgentKey(folder, first)
  await registerAgentKey(folder, first)
  await registerAgentKey(folder, second)
  await registerAgentKey(folder, agent('ci'))
  t.same(await readdir(folder), ['ci%2Fdeployer.vkey', 'ci.vkey'])
  const keys = await readAgentKeys(folder, 'ci/deployer')
  t.same(
    keys.map(({ keyId }) => keyId),
    [first.keyId, second.keyId],
  )
  t.same([...(await readAllAgentKeys(folder)).keys()], ['ci/deployer', 'ci'])
})

void t.test('a name does not lead out of the folder', async (t) => {
  const folder = join(t.testdir(), 'agents')
  await registerAgentKey(folder, agent('a/../../../evil'))
  t.same(await readdir(folder), ['a%2F..%2F..%2F..%2Fevil.vkey'])
  t.equal((await readAgentKeys(folder, 'a/../../../evil')).length, 1)
  for (const name of ['../x', '', 'A', 'a b', '/etc/passwd', `a${'b'.repeat(100)}`]) {
    t.same(await readAgentKeys(folder, name), [])
    await t.rejects(registerAgentKey(folder, { ...agent('x'), name }), { code: 'BAD_KEY' })
  }
})

void t.test('files that others could have written, or that hold something else, are refused', async (t) => {
  const folder = t.testdir()
  const key = agent('alice')
  const path = join(folder, 'alice.vkey')
  const contents: [what: string, content: string][] = [
    ['no key', 'nonsense'],
    ['the key of another', encodeVkey(agent('bob'))],
    ['a cosignature key', encodeVkey({ ...key, type: SIGNATURE_TYPES.cosignature })],
    ['a private key', `PRIVATE+KEY+alice+00000000+${encodeBase64(new Uint8Array(33))}`],
    ['a good key and a bad line', `${encodeVkey(key)}\nnonsense\n`],
  ]
  for (const [what, content] of contents) {
    await writeFile(path, content, { mode: 0o600 })
    await t.rejects(
      readAgentKeys(folder, 'alice'),
      { code: 'BAD_KEY', message: /alice\.vkey line [12]/ },
      what,
    )
  }
  await writeFile(path, encodeVkey(key))
  await chmod(path, 0o640)
  await t.rejects(readAgentKeys(folder, 'alice'), { code: 'KEY_FILE_EXPOSED' })
  await symlink(path, join(folder, 'bob.vkey'))
  await t.rejects(readAgentKeys(folder, 'bob'), { code: 'KEY_FILE_LINK' })
})

void t.test('a key of small order is refused', async (t) => {
  const folder = t.testdir()
  const identityPoint = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0))
  await writeFile(
    join(folder, 'alice.vkey'),
    encodeVkey({ name: 'alice', type: SIGNATURE_TYPES.ed25519, publicKey: identityPoint }),
    { mode: 0o600 },
  )
  await t.rejects(readAgentKeys(folder, 'alice'), { code: 'BAD_KEY', cause: { code: 'WEAK_KEY' } })
})

void t.test('a key that is registered while the ledger runs is found', async (t) => {
  const folder = t.testdir()
  const keys = new AgentKeys(folder, nobody)
  const [old, rotated] = [agent('alice'), agent('alice')]
  t.same(await keys.verifiersFor([old]), [])
  await registerAgentKey(folder, old)
  t.equal((await keys.verifiersFor([old])).length, 1)
  await registerAgentKey(folder, rotated)
  t.equal((await keys.verifiersFor([old])).length, 1, 'what is known is not read again')
  t.equal((await keys.verifiersFor([rotated])).length, 2)
})

void t.test('no agent may have the key of the log', async (t) => {
  const folder = t.testdir()
  const seed = new Uint8Array(32).fill(3)
  const log = noteSigner('a-log', seed)
  const impostor = noteSigner('alice', seed)
  await registerAgentKey(folder, impostor)
  const keys = new AgentKeys(folder, log.publicKey)
  await t.rejects(keys.verifiersFor([impostor]), { code: 'AGENT_KEY_SHARED' })
})
