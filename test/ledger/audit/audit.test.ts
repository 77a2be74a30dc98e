import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { auditLog } from '../../../ledger/audit/audit.js'
import { openFolder } from '../../../ledger/audit/folder-source.js'
import type { AuditReport } from '../../../ledger/audit/report.js'
import { decodeVkey } from '../../../proofs/note-key.js'
import { entriesOf, ForeignLog } from './foreign-log.js'

const log = new ForeignLog()

const auditOf = async (folder: string, vkey = log.vkey): Promise<AuditReport> =>
  auditLog(await openFolder(folder), { keys: [decodeVkey(vkey)] })

/** Changes one byte of a file. */
async function damage(folder: string, path: string, at = -1): Promise<void> {
  const bytes = await readFile(join(folder, path))
  const index = at < 0 ? bytes.length + at : at
  // A letter of base64, so that a damaged signature is still one to read.
  bytes[index] = bytes[index] === 0x41 ? 0x42 : 0x41
  await writeFile(join(folder, path), bytes)
}

void t.test('foreign logs of every shape audit clean', async (t) => {
  for (const size of [0, 1, 2, 255, 256, 257, 512, 1000]) {
    const folder = join(t.testdir({}), String(size))
    await log.write(folder, entriesOf(size))
    const report = await auditOf(folder)
    t.same(report.findings, [], `${size} entries`)
    t.ok(report.ok)
    t.equal(report.size, size)
    t.equal(report.entries, size)
    t.equal(report.bundles, Math.ceil(size / 256))
    t.equal(report.checkpoints, 1)
  }
})

void t.test('a log of three levels audits clean and in its tiles', async (t) => {
  const folder = t.testdir({})
  await log.write(folder, entriesOf(66_000))
  const report = await auditOf(folder)
  t.same(report.findings, [])
  t.equal(report.tiles, 258 + 2 + 1)
  await damage(folder, 'tile/1/000', 5 * 32)
  const { code, findings } = await auditOf(folder)
  t.equal(code, 'bad_tile')
  t.match(findings, [{ path: 'tile/1/000', message: /hash 5/ }])
})

void t.test('partial tiles and checkpoints of earlier sizes are audited, too', async (t) => {
  const folder = t.testdir({})
  for (const size of [3, 200, 256, 300, 511]) await log.write(folder, entriesOf(size))
  const report = await auditOf(folder)
  t.same(report.findings, [])
  t.equal(report.checkpoints, 5)
  t.equal(report.partials, 6, 'of leaf hashes and of entries: 3, 200 and 300')
  const cases = [
    ['tile/0/000.p/200', 'bad_tile'],
    ['tile/0/001.p/44', 'bad_tile'],
    ['tile/entries/000.p/3', 'bad_entry'],
    ['checkpoint.300', 'bad_signature'],
  ] as const
  for (const [path, code] of cases) {
    const before = await readFile(join(folder, path))
    await damage(folder, path, path.startsWith('checkpoint') ? -20 : -1)
    const report = await auditOf(folder)
    t.match(report.findings, [{ code, path }], path)
    t.equal(report.found, 1)
    await writeFile(join(folder, path), before)
  }
})

void t.test('a damaged entry and a damaged tile are told apart', async (t) => {
  const folder = t.testdir({})
  await log.write(folder, entriesOf(700))
  const cases = [
    ['tile/entries/001', 'bad_entry', 511],
    ['tile/0/001', 'bad_tile', 511],
    ['tile/entries/002.p/188', 'bad_entry', 699],
    ['tile/0/002.p/188', 'bad_tile', 699],
  ] as const
  for (const [path, code, index] of cases) {
    const before = await readFile(join(folder, path))
    await damage(folder, path)
    const report = await auditOf(folder)
    t.match(report.findings, [{ code, path, index }], path)
    t.equal(report.found, 1, 'and nothing else')
    t.equal(report.code, code)
    await writeFile(join(folder, path), before)
  }
})

void t.test('every byte of a small log is covered', async (t) => {
  const folder = t.testdir({})
  await log.write(folder, entriesOf(3))
  await rm(join(folder, 'checkpoint.3'))
  for (const path of ['checkpoint', 'tile/0/000.p/3', 'tile/entries/000.p/3']) {
    const before = await readFile(join(folder, path))
    for (let at = 0; at < before.length; at++) {
      await damage(folder, path, at)
      const { ok, code } = await auditOf(folder)
      if (ok || code === undefined) t.fail(`byte ${at} of ${path} was changed and nothing found`)
      await writeFile(join(folder, path), before)
    }
    await writeFile(join(folder, path), before.subarray(0, -1))
    t.notOk((await auditOf(folder)).ok, `${path} cut short`)
    await writeFile(join(folder, path), before)
  }
  t.ok((await auditOf(folder)).ok)
})

void t.test('what is missing is named', async (t) => {
  const folder = t.testdir({})
  await log.write(folder, entriesOf(600))
  for (const path of ['checkpoint', 'tile/1/000.p/2', 'tile/0/001', 'tile/entries/001']) {
    await rename(join(folder, path), join(folder, 'away'))
    const report = await auditOf(folder)
    t.match(report.findings, [{ code: 'missing', path }])
    t.equal(report.found, 1)
    await rename(join(folder, 'away'), join(folder, path))
  }
  await rm(join(folder, 'tile/entries/001'))
  await rm(join(folder, 'tile/0/001'))
  t.equal((await auditOf(folder)).entries, 256, 'the audit ends where nothing can be hashed')
  await t.rejects(openFolder(join(folder, 'nowhere')), { code: 'NOT_FOUND' })
})

void t.test('a partial tile may be gone once the full one is there', async (t) => {
  const folder = t.testdir({})
  await log.write(folder, entriesOf(200))
  const head = await readFile(join(folder, 'checkpoint'))
  await log.write(folder, entriesOf(256))
  await writeFile(join(folder, 'checkpoint'), head)
  await rm(join(folder, 'tile/0/000.p'), { recursive: true })
  await rm(join(folder, 'tile/entries/000.p'), { recursive: true })
  await rm(join(folder, 'checkpoint.256'))
  t.same((await auditOf(folder)).findings, [])
})

void t.test('a wrong key, a rollback, a second root and another history are refused', async (t) => {
  const base = t.testdir({})
  const folder = join(base, 'log')
  const entries = entriesOf(300)
  await log.write(folder, entries)
  t.equal((await auditOf(folder, new ForeignLog().vkey)).code, 'unknown_key')

  await log.write(join(base, 'other'), [...entries.slice(0, 299), Buffer.from('another last one')])
  const fork = await readFile(join(base, 'other', 'checkpoint'))
  await writeFile(join(folder, 'checkpoint.300'), fork)
  t.match((await auditOf(folder)).findings, [{ code: 'equivocation', path: 'checkpoint.300' }])
  await writeFile(join(folder, 'checkpoint'), fork)
  await rm(join(folder, 'checkpoint.300'))
  t.equal((await auditOf(folder)).findings.at(-1)?.code, 'bad_root')

  await log.write(folder, entriesOf(310))
  await log.write(folder, entries)
  t.match((await auditOf(folder)).findings, [{ code: 'truncated', path: 'checkpoint.310' }])
})

void t.test('an older checkpoint of another history is inconsistent', async (t) => {
  const folder = t.testdir({})
  const entries = entriesOf(20)
  await log.write(folder, [Buffer.from('another first one'), ...entries.slice(1, 7)])
  await rm(join(folder, 'tile'), { recursive: true })
  await log.write(folder, entries)
  t.match((await auditOf(folder)).findings, [{ code: 'inconsistent', path: 'checkpoint.7' }])
})

void t.test('extension lines and bundles that are stored as gzip are read', async (t) => {
  const folder = t.testdir({})
  await log.write(folder, entriesOf(5))
  await rm(join(folder, 'checkpoint.5'))
  const path = join(folder, 'tile/entries/000.p/5')
  await writeFile(path, gzipSync(await readFile(path)))
  t.ok((await auditOf(folder)).ok)
  await writeFile(join(folder, 'checkpoint'), log.checkpoint([], 'an extension\n'))
  t.ok((await auditOf(folder)).ok)
})

void t.test('other kinds of leaves are refused by name', async (t) => {
  const folder = t.testdir({})
  await log.write(folder, entriesOf(300), { hash: (entry) => Buffer.alloc(32, entry.subarray(6)) })
  t.match((await auditOf(folder)).findings, [{ code: 'unsupported_leaf', path: 'tile/entries/000' }])
  await rename(join(folder, 'tile/entries'), join(folder, 'tile/data'))
  const { code, findings } = await auditOf(folder)
  t.equal(code, 'unsupported_leaf')
  t.match(findings[0]?.message, /Static-CT/)
})
