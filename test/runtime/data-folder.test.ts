import { chmod, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'

import {
  createPrivateFile,
  privateFolder,
  readSecretFile,
  writePrivateFile,
} from '../../runtime/data-folder.js'

const mode = async (path: string) => (await stat(path)).mode & 0o777

void t.test('makes folders that only the owner may enter', async (t) => {
  const path = await privateFolder(t.testdir({}), 'a', 'b')
  t.equal(await mode(path), 0o700)
})

void t.test('closes an existing folder to others', async (t) => {
  const dir = t.testdir({ open: {} })
  await chmod(join(dir, 'open'), 0o755)
  t.equal(await mode(await privateFolder(dir, 'open')), 0o700)
})

void t.test('refuses a link or a file in place of a folder', async (t) => {
  const dir = t.testdir({ real: {}, file: '' })
  await symlink(join(dir, 'real'), join(dir, 'link'))
  await t.rejects(privateFolder(dir, 'link'), { code: 'DATA_FOLDER_LINK' })
  await t.rejects(privateFolder(dir, 'file'), { code: 'DATA_FOLDER_LINK' })
  await t.rejects(privateFolder(dir, 'file', 'below'), { code: 'DATA_FOLDER_UNWRITABLE' })
})

void t.test('writes files whole, private, and without following a link', async (t) => {
  const dir = t.testdir({ target: 'untouched' })
  const path = join(dir, 'state.json')
  await symlink(join(dir, 'target'), path)
  await writePrivateFile(path, 'new')
  t.equal(await readFile(path, 'utf8'), 'new')
  t.equal(await readFile(join(dir, 'target'), 'utf8'), 'untouched')
  t.equal(await mode(path), 0o600)
})

void t.test('creates a key only once', async (t) => {
  const path = join(t.testdir({}), 'key')
  t.equal(await createPrivateFile(path, 'one'), true)
  t.equal(await createPrivateFile(path, 'two'), false)
  t.equal(Buffer.from((await readSecretFile(path)) ?? []).toString(), 'one')
})

void t.test('refuses a key file that others may read, a link, a folder, and a huge one', async (t) => {
  const dir = t.testdir({ key: 'k', folder: {} })
  const key = join(dir, 'key')
  await chmod(key, 0o640)
  await t.rejects(readSecretFile(key), { code: 'KEY_FILE_EXPOSED' })
  await chmod(key, 0o600)
  await symlink(key, join(dir, 'link'))
  await t.rejects(readSecretFile(join(dir, 'link')), { code: 'KEY_FILE_LINK' })
  await t.rejects(readSecretFile(join(dir, 'folder')), { code: 'KEY_FILE_UNREADABLE' })
  await writeFile(key, Buffer.alloc(70_000))
  await t.rejects(readSecretFile(key), { code: 'KEY_FILE_TOO_LARGE' })
  await mkdir(join(dir, 'empty'))
  t.equal(await readSecretFile(join(dir, 'empty', 'none')), undefined)
})
