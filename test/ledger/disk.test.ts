import { readFile, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import suite from 'tap'
import type { Disk } from '../../ledger/disk.js'
import { realDisk } from '../../ledger/disk.js'
import { SimulatedDisk } from './simulated-disk.js'

/** What every disk must do, so that the simulated one stands for the real one. */
async function behaves(
  t: Pick<typeof suite, 'equal' | 'rejects' | 'same'>,
  disk: Disk,
  base: string,
): Promise<void> {
  const folder = join(base, 'inner')
  await disk.makeDirectory(folder)
  await disk.makeDirectory(folder)
  const path = join(folder, 'file')
  await t.rejects(disk.open(path), { code: 'ENOENT' })
  const file = await disk.create(path)
  await t.rejects(disk.create(path), { code: 'EEXIST' })
  await file.write(0, Buffer.from('hello world'))
  await file.write(6, Buffer.from('there'))
  await file.sync()
  t.equal(await file.size(), 11)
  t.equal(Buffer.from(await file.read(0, 100)).toString(), 'hello there')
  t.equal(Buffer.from(await file.read(6, 2)).toString(), 'th')
  t.equal((await file.read(50, 10)).length, 0)
  await file.truncate(5)
  t.equal(await file.size(), 5)
  await file.write(8, Buffer.from('x'))
  t.same(Buffer.from(await file.read(0, 9)), Buffer.from('hello\0\0\0x'))
  await file.close()
  await disk.rename(path, join(folder, 'renamed'))
  await disk.syncDirectory(folder)
  t.same(await disk.list(folder), ['renamed'])
  const again = await disk.open(join(folder, 'renamed'))
  t.equal(await again.size(), 9)
  await again.close()
  await disk.remove(join(folder, 'renamed'))
  t.same(await disk.list(folder), [])
}

void suite.test('the real disk', async (t) => {
  const base = t.testdir()
  await behaves(t, realDisk, base)
  const secret = await realDisk.create(join(base, 'inner', 'secret'))
  await secret.close()
  t.equal((await stat(join(base, 'inner', 'secret'))).mode & 0o777, 0o600)
  t.equal((await stat(join(base, 'inner'))).mode & 0o777, 0o700)
  await symlink(join(base, 'inner', 'secret'), join(base, 'inner', 'link'))
  await t.rejects(realDisk.open(join(base, 'inner', 'link')), { code: 'ELOOP' })
  t.equal((await readFile(join(base, 'inner', 'secret'))).length, 0)
})

void suite.test('the simulated disk', async (t) => {
  await behaves(t, new SimulatedDisk(), '/base')
})

void suite.test('the simulated disk forgets exactly what was not synced', async (t) => {
  const disk = new SimulatedDisk()
  await disk.makeDirectory('/d')
  const kept = await disk.create('/d/kept')
  await kept.write(0, Buffer.from('synced'))
  await kept.sync()
  await disk.syncDirectory('/d')
  await kept.write(6, Buffer.from(' and not'))
  const unnamed = await disk.create('/d/unnamed')
  await unnamed.write(0, Buffer.from('x'))
  await unnamed.sync()
  const after = disk.restart(() => 0, 'nothing')
  t.same(await after.list('/d'), ['kept'], 'a name that was not synced is gone')
  const file = await after.open('/d/kept')
  t.equal(Buffer.from(await file.read(0, 100)).toString(), 'synced')
  await t.rejects(kept.read(0, 1), { name: 'PowerLoss' })
})
