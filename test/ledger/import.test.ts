import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { createApi } from '../../ledger/api/routes.js'
import { realDisk } from '../../ledger/disk.js'
import { exportLog } from '../../ledger/export.js'
import { checkLogFolder } from '../../ledger/fsck.js'
import { importLog } from '../../ledger/import.js'
import { agent, append, batch, clock, indexes, note, open, silent } from './sample-log.js'

const alice = agent('alice')

void t.test('a log comes back from its export and its key, and goes on', async (t) => {
  const base = t.testdir({})
  const [lost, found, files] = ['lost', 'found', 'export'].map((name) => join(base, name)) as [
    string,
    string,
    string,
  ]
  const log = await open(lost, [alice])
  await append(log, batch(alice, 0, 600))
  const known = note(alice, { seq: 600 })
  await append(log, [known])
  const api = createApi(log)
  await exportLog(
    async (target) => (await api({ method: 'GET', target, body: new Uint8Array(), channel: 'local' })).body,
    files,
  )
  const { published, identity } = log
  await log.close()

  const options = { folder: found, disk: realDisk, clock, root: alice }
  await t.rejects(importLog(files, options), { code: 'BAD_IDENTITY' }, 'without the key')
  await mkdir(found, { recursive: true })
  await cp(join(lost, 'key'), join(found, 'key'))

  const bundle = join(files, 'tile/entries/001')
  const bytes = await readFile(bundle)
  await writeFile(bundle, Buffer.concat([bytes.subarray(0, -1), Buffer.from('x')]))
  t.match(await importLog(files, options), { ok: false, code: 'bad_entry' }, 'with a damaged entry')
  await writeFile(bundle, bytes)

  t.match(await importLog(files, options), { ok: true, size: 602 })
  await t.rejects(importLog(files, options), { code: 'ALREADY_INITIALISED' }, 'a second time')
  const report = await checkLogFolder({ ...options, log: silent, name: 'test' })
  t.ok(report.ok, JSON.stringify(report.checks))

  const again = await open(found, [alice])
  t.same(again.identity.vkey, identity.vkey)
  t.ok(Buffer.from(published.note).equals(again.published.note), 'the same checkpoint, byte for byte')
  t.same(indexes(await append(again, [known])), [601], 'what was there keeps its index')
  t.same(indexes(await append(again, [note(alice)])), [602])
  await again.close()
})

void t.test('an import that was broken off is not gone on with', async (t) => {
  const base = t.testdir({})
  const folder = join(base, 'ledger')
  const log = await open(folder, [alice])
  await append(log, [note(alice)])
  const api = createApi(log)
  await exportLog(
    async (target) => (await api({ method: 'GET', target, body: new Uint8Array(), channel: 'local' })).body,
    join(base, 'export'),
  )
  await log.close()
  await rm(join(folder, 'log.json'))
  await rm(join(folder, 'index'), { recursive: true })
  await t.rejects(importLog(join(base, 'export'), { folder, disk: realDisk, clock, root: alice }), {
    code: 'ALREADY_INITIALISED',
  })
})
