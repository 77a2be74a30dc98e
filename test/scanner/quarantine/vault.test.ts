import { fork, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { ScanError } from '../../../scanner/errors.js'
import { Vault } from '../../../scanner/quarantine/vault.js'
import { sha256 } from '../sample-files.js'
import { FILE_BYTES, FILES } from './stored-files.js'

const SWAPPER = fileURLToPath(new URL('./name-swapper.ts', import.meta.url))
const STORER = fileURLToPath(new URL('./storer.ts', import.meta.url))
const SWAPS = Number(process.env.PORTCULLIS_TEST_SWAPS ?? 300)
const KILLS = Number(process.env.PORTCULLIS_TEST_KILLS ?? 6)

const judged = (content: string | Buffer) => ({ sha256: sha256(content), size: Buffer.byteLength(content) })
const open = (folder: string) => Vault.open(folder, () => Date.now())

t.test('what is stored and restored is the same file', async (t) => {
  const folder = t.testdir({ data: {} })
  const content = randomBytes(3 * 1024 * 1024 + 17)
  const path = join(folder, 'bad.bin')
  writeFileSync(path, content)
  chmodSync(path, 0o754)
  utimesSync(path, 1_600_000_000.25, 1_500_000_000.5)
  const vault = await open(join(folder, 'data'))
  const item = await vault.store(Buffer.from(path), judged(content), ['Some.Rule'])
  t.notOk(existsSync(path), 'the file left its place')
  t.match(item, {
    path,
    mode: 0o754,
    size: content.length,
    sha256: sha256(content),
    reasons: ['Some.Rule'],
    hard_links: 0,
  })
  const [stored = ''] = readdirSync(join(folder, 'data', 'vault'))
  const bytes = readFileSync(join(folder, 'data', 'vault', stored))
  t.notOk(bytes.includes(content.subarray(1000, 1064)), 'the content is encrypted')
  t.equal(statSync(join(folder, 'data', 'vault', stored)).mode & 0o777, 0o600)
  t.strictSame(await vault.list(), [{ item }])
  await (await open(join(folder, 'data'))).restore(item.id)
  t.ok(readFileSync(path).equals(content))
  const stat = statSync(path)
  t.equal(stat.mode & 0o7777, 0o754)
  t.equal(stat.mtimeMs, 1_500_000_000_500)
  t.equal(stat.atimeMs >= 1_600_000_000_250, true)
  t.strictSame(await vault.list(), [])
  t.strictSame(readdirSync(folder).sort(), ['bad.bin', 'data'], 'nothing is left beside it')
})

t.test('set-user-id bits come back only when asked for', async (t) => {
  const folder = t.testdir({ data: {} })
  const path = join(folder, 'tool')
  const vault = await open(join(folder, 'data'))
  for (const [keepSetId, mode] of [
    [false, 0o755],
    [true, 0o4755],
  ] as const) {
    writeFileSync(path, 'x')
    chmodSync(path, 0o4755)
    const item = await vault.store(Buffer.from(path), judged('x'), [])
    await vault.restore(item.id, { keepSetId })
    t.equal(statSync(path).mode & 0o7777, mode)
    unlinkSync(path)
  }
})

t.test('restore overwrites nothing and follows no link', async (t) => {
  const folder = t.testdir({ data: {}, other: 'precious' })
  const path = join(folder, 'file')
  writeFileSync(path, 'bad')
  const vault = await open(join(folder, 'data'))
  const item = await vault.store(Buffer.from(path), judged('bad'), [])
  writeFileSync(path, 'new one')
  await t.rejects(vault.restore(item.id), { code: 'QUARANTINE_TARGET', message: /nothing is overwritten/ })
  t.equal(readFileSync(path, 'utf8'), 'new one')
  unlinkSync(path)
  symlinkSync(join(folder, 'other'), path)
  await t.rejects(vault.restore(item.id), { code: 'QUARANTINE_TARGET' })
  t.equal(readFileSync(join(folder, 'other'), 'utf8'), 'precious')
  await vault.restore(item.id, { to: join(folder, 'elsewhere') })
  t.equal(readFileSync(join(folder, 'elsewhere'), 'utf8'), 'bad')
})

t.test('only the very file that was judged is taken', async (t) => {
  const folder = t.testdir({ data: {}, target: 'secret' })
  const path = join(folder, 'file')
  const vault = await open(join(folder, 'data'))
  writeFileSync(path, 'another content')
  await t.rejects(vault.store(Buffer.from(path), judged('judged'), []), { code: 'QUARANTINE_CHANGED' })
  t.equal(readFileSync(path, 'utf8'), 'another content')
  unlinkSync(path)
  symlinkSync(join(folder, 'target'), path)
  await t.rejects(vault.store(Buffer.from(path), judged('secret'), []), { code: 'QUARANTINE_CHANGED' })
  t.ok(lstatSync(path).isSymbolicLink())
  await t.rejects(vault.store(Buffer.from(join(folder, 'none')), judged(''), []), {
    code: 'QUARANTINE_CHANGED',
  })
  await t.rejects(vault.store(Buffer.from('relative'), judged(''), []), { code: 'QUARANTINE_TARGET' })
  t.strictSame(readdirSync(join(folder, 'data', 'vault')), [], 'nothing half done is left')
})

t.test('other names of the file are told', async (t) => {
  const folder = t.testdir({ data: {} })
  writeFileSync(join(folder, 'a'), 'x')
  linkSync(join(folder, 'a'), join(folder, 'b'))
  const item = await (await open(join(folder, 'data'))).store(Buffer.from(join(folder, 'a')), judged('x'), [])
  t.equal(item.hard_links, 1)
})

t.test('a byte changed in the vault is noticed and nothing is restored', async (t) => {
  const folder = t.testdir({ data: {} })
  const path = join(folder, 'file')
  writeFileSync(path, 'some content of the file')
  const vault = await open(join(folder, 'data'))
  const item = await vault.store(Buffer.from(path), judged('some content of the file'), ['R'])
  const file = join(folder, 'data', 'vault', `${item.id}.item`)
  const good = readFileSync(file)
  let refused = 0
  for (let at = 0; at < good.length; at++) {
    const bad = Buffer.from(good)
    bad.writeUInt8((bad[at] ?? 0) ^ (1 << (at % 8)), at)
    writeFileSync(file, bad)
    await t.rejects(vault.restore(item.id), { code: 'QUARANTINE_DAMAGED' })
    refused++
  }
  t.equal(refused, good.length)
  writeFileSync(file, good.subarray(0, -1))
  await t.rejects(vault.restore(item.id), { code: 'QUARANTINE_DAMAGED' })
  t.notOk(existsSync(path))
  t.match(await vault.list(), [{ item: { id: item.id } }], 'its header still reads')
  writeFileSync(file, 'PCQ')
  t.match(await vault.list(), [{ id: item.id, error: { code: 'QUARANTINE_DAMAGED' } }])
})

t.test('deleting is for good, unknown items are said', async (t) => {
  const folder = t.testdir({ data: {} })
  const path = join(folder, 'file')
  writeFileSync(path, 'x')
  const vault = await open(join(folder, 'data'))
  const item = await vault.store(Buffer.from(path), judged('x'), [])
  await vault.delete(item.id)
  for (const id of [item.id, '../../etc/passwd', ''])
    for (const act of [() => vault.delete(id), () => vault.restore(id)])
      await t.rejects(
        async () => {
          await act()
        },
        { code: 'QUARANTINE_NOT_FOUND' },
      )
})

t.test('a vault key that others may read is refused', async (t) => {
  const folder = t.testdir({ data: {} })
  await open(join(folder, 'data'))
  chmodSync(join(folder, 'data', 'vault.key'), 0o644)
  await t.rejects(open(join(folder, 'data')), { code: 'KEY_FILE_EXPOSED' })
})

t.test('a link in place of the folder does not lead a restore elsewhere', async (t) => {
  const folder = t.testdir({ data: {}, home: { bad: 'bad' }, system: {} })
  const home = join(folder, 'home')
  const vault = await open(join(folder, 'data'))
  symlinkSync(home, join(folder, 'alias'))
  const item = await vault.store(Buffer.from(join(folder, 'alias', 'bad')), judged('bad'), [])
  t.equal(item.path, join(home, 'bad'), 'the path is kept without links')
  renameSync(home, join(folder, 'away'))
  symlinkSync(join(folder, 'system'), home)
  await t.rejects(vault.restore(item.id), { code: 'QUARANTINE_TARGET' })
  t.strictSame(readdirSync(join(folder, 'system')), [])
  unlinkSync(home)
  renameSync(join(folder, 'away'), home)
  await vault.restore(item.id)
  t.equal(readFileSync(join(home, 'bad'), 'utf8'), 'bad')
})

t.test('a vault of more items than files may be open is listed', async (t) => {
  const folder = t.testdir({ data: {} })
  const vault = await open(join(folder, 'data'))
  const path = join(folder, 'bad')
  for (let i = 0; i < 60; i++) {
    writeFileSync(path, 'bad')
    await vault.store(Buffer.from(path), judged('bad'), [])
  }
  const descriptors = Number(readdirSync('/proc/self/fd').length)
  const counts: number[] = []
  const listing = vault.list()
  let ended = false
  void listing.finally(() => (ended = true))
  while (!ended) {
    counts.push(readdirSync('/proc/self/fd').length - descriptors)
    await new Promise(setImmediate)
  }
  t.equal((await listing).length, 60)
  t.ok(Math.max(...counts) < 30, 'few are open at a time')
})

t.test('a file with more bytes than were judged is not copied at all', async (t) => {
  const folder = t.testdir({ data: {} })
  const path = join(folder, 'file')
  writeFileSync(path, 'bad')
  truncateSync(path, 2 ** 40)
  const vault = await open(join(folder, 'data'))
  await t.rejects(vault.store(Buffer.from(path), judged('bad'), []), {
    code: 'QUARANTINE_CHANGED',
    message: /3 were judged/,
  })
  t.equal(statSync(path).size, 2 ** 40)
})

t.test('while names are swapped under it, the vault takes the judged file or nothing', async (t) => {
  const folder = t.testdir({ data: {}, tree: {}, secret: 'precious' })
  const tree = join(folder, 'tree')
  const vault = await open(join(folder, 'data'))
  const swapper = fork(SWAPPER, [tree, join(folder, 'secret')], { stdio: 'inherit' })
  await once(swapper, 'message')
  const path = Buffer.from(join(tree, 'file'))
  let stored = 0
  let refused = 0
  for (let round = 0; round < SWAPS; round++)
    try {
      const item = await vault.store(path, judged('bad'), [])
      stored++
      await vault.restore(item.id, { to: join(folder, 'back') })
      if (readFileSync(join(folder, 'back'), 'utf8') !== 'bad') t.fail('something else was taken')
      unlinkSync(join(folder, 'back'))
    } catch (error) {
      t.match(error, { code: 'QUARANTINE_CHANGED' })
      refused++
    }
  swapper.kill('SIGKILL')
  await once(swapper, 'exit')
  t.equal(stored + refused, SWAPS)
  t.ok(refused > 0, `${refused} of ${SWAPS} met a swap`)
  t.equal(readFileSync(join(folder, 'secret'), 'utf8'), 'precious')
  t.strictSame(readdirSync(join(folder, 'data', 'vault')), [], 'nothing half done is left')
})

t.test('while its folder is swapped for a link, the vault takes no file from elsewhere', async (t) => {
  const base = mkdtempSync(join(tmpdir(), 'portcullis-test-'))
  t.teardown(() => rmSync(base, { recursive: true }))
  chmodSync(base, 0o777)
  for (const name of ['folder', 'system']) mkdirSync(join(base, name))
  writeFileSync(join(base, 'system', 'file'), 'bad')
  const [folder, away, system] = ['folder', 'away', 'system'].map((name) => JSON.stringify(join(base, name)))
  const swap = `const fs = require('fs'); console.log('on')
    for (;;) { fs.writeFileSync(${folder} + '/file', 'bad'); fs.renameSync(${folder}, ${away})
               fs.symlinkSync(${system}, ${folder}); fs.unlinkSync(${folder}); fs.renameSync(${away}, ${folder}) }`
  const vault = await open(join(base, 'data'))
  const swapper = spawn(process.execPath, ['-e', swap], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(swapper.stdout, 'data')
  const codes = new Set<unknown>()
  for (let round = 0; round < SWAPS; round++)
    try {
      const { id } = await vault.store(Buffer.from(join(base, 'folder', 'file')), judged('bad'), [])
      codes.add('stored')
      await vault.delete(id)
    } catch (error) {
      codes.add(error instanceof ScanError ? error.code : error)
    }
  swapper.kill('SIGKILL')
  await once(swapper, 'exit')
  t.equal(readFileSync(join(base, 'system', 'file'), 'utf8'), 'bad')
  t.ok(codes.has('QUARANTINE_TARGET'), [...codes].join())
})

t.test('a kill at any moment leaves each file in its place or whole in the vault', async (t) => {
  for (let round = 0; round < KILLS; round++) {
    const folder = t.testdir({ data: {}, tree: {} })
    const child = fork(STORER, [join(folder, 'data'), join(folder, 'tree')], { stdio: 'inherit' })
    // Each message is a step of the child: the kill comes after another one every time.
    for (let step = 0; step <= round; step++) await once(child, 'message')
    child.kill('SIGKILL')
    await once(child, 'exit')
    const vault = await open(join(folder, 'data'))
    const names = readdirSync(join(folder, 'data', 'vault'))
    t.strictSame(
      names.filter((name) => !name.endsWith('.item')),
      [],
      'what was half done is swept',
    )
    const inVault = new Set<string>()
    for (const entry of await vault.list()) {
      if (!('item' in entry)) throw entry.error
      const { item } = entry
      inVault.add(basename(item.path))
      const to = join(folder, `back-${item.id}`)
      await vault.restore(item.id, { to })
      t.equal(readFileSync(to).length, FILE_BYTES)
    }
    const inPlace = readdirSync(join(folder, 'tree'))
    t.strictSame(
      inPlace.filter((name) => name.startsWith('.')),
      [],
      'no decrypted file is left',
    )
    for (const name of inPlace) t.equal(statSync(join(folder, 'tree', name)).size, FILE_BYTES)
    t.strictSame([...new Set([...inPlace, ...inVault])].sort(), FILES)
  }
})
