import { chmod, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { openKeyFile, readKeyFile } from '../../ledger/key-file.js'

void t.test('a key is made once, for its owner alone', async (t) => {
  const path = join(t.testdir(), 'gateway', 'key')
  t.equal(await readKeyFile(path), undefined)
  const keys = await Promise.all([1, 2, 3, 4].map(() => openKeyFile(path, 'gateway')))
  t.equal(new Set(keys.map(({ keyId }) => keyId)).size, 1, 'four at once get the same')
  t.equal((await stat(path)).mode & 0o777, 0o600)
  t.same(await readdir(join(path, '..')), ['key'], 'and leave nothing else behind')
  const again = await openKeyFile(path, 'another name')
  t.equal(again.name, 'gateway')
  t.equal(
    (await openKeyFile(join(path, '..', 'other'), (publicKey) => `of-${publicKey.length}`)).name,
    'of-32',
  )
})

void t.test('a key that others can read, that is a link, or that is none is refused', async (t) => {
  const folder = t.testdir()
  const path = join(folder, 'key')
  await openKeyFile(path, 'gateway')
  await symlink(path, join(folder, 'link'))
  await t.rejects(openKeyFile(join(folder, 'link'), 'gateway'), { code: 'KEY_FILE_LINK' })
  const secret = await readFile(path, 'utf8')
  await writeFile(join(folder, 'bad'), secret.replace('PRIVATE', 'PUBLIC'), { mode: 0o600 })
  const error = (await readKeyFile(join(folder, 'bad')).catch((error: unknown) => error)) as Error
  t.match(error, { code: 'BAD_KEY' })
  t.notOk(
    JSON.stringify([error.message, error.stack, error.cause]).includes(secret.slice(30, 60)),
    'and not told',
  )
  for (const mode of [0o640, 0o604, 0o660]) {
    await chmod(path, mode)
    await t.rejects(openKeyFile(path, 'gateway'), { code: 'KEY_FILE_EXPOSED' })
  }
})
