import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { auditLog } from '../../ledger/audit/audit.js'
import { openFolder } from '../../ledger/audit/folder-source.js'
import { createApi } from '../../ledger/api/routes.js'
import { exportLog } from '../../ledger/export.js'
import type { Log } from '../../ledger/log.js'
import { decodeVkey } from '../../proofs/note-key.js'
import { agent, append, batch, open } from './sample-log.js'

const alice = agent('alice')

const reader = (log: Log) => {
  const api = createApi(log)
  return async (target: string): Promise<Uint8Array> => {
    const answer = await api({ method: 'GET', target, body: new Uint8Array(), channel: 'local' })
    if (answer.status !== 200) throw new Error(`${target}: ${answer.status}`)
    return answer.body
  }
}

void t.test('an export audits clean at every size, and goes on from the one before', async (t) => {
  const base = t.testdir({})
  const folder = join(base, 'export')
  const log = await open(join(base, 'ledger'), [alice])
  let seq = 0
  for (const count of [0, 3, 252, 1, 300]) {
    if (count > 0) await append(log, batch(alice, seq, count))
    seq += count
    const { size } = await exportLog(reader(log), folder)
    t.equal(size, log.published.size)
    const source = await openFolder(folder)
    const report = await auditLog(source, { keys: [decodeVkey(log.identity.vkey)] })
    t.same(report.findings, [], `${size} entries`)
  }
  const names = await readdir(join(folder, 'tile/0'))
  t.notOk(names.includes('000.p'), 'partial tiles of a full one are removed')
  const { files } = await exportLog(reader(log), folder)
  t.equal(files, 1, 'what is there is not written again')
  await log.close()
})

void t.test('an export is not mixed with another log or another history', async (t) => {
  const base = t.testdir({})
  const [first, second] = [await open(join(base, 'a'), [alice]), await open(join(base, 'b'), [alice])]
  await append(first, batch(alice, 0, 5))
  await append(second, batch(alice, 0, 5))
  await exportLog(reader(first), join(base, 'export'))
  await t.rejects(exportLog(reader(second), join(base, 'export')), { code: 'CHECKPOINT_CONFLICT' })

  const path = join(base, 'export', 'checkpoint')
  const note = await readFile(path, 'utf8')
  await writeFile(path, note.replace(/\n6\n/, '\n7\n'))
  await t.rejects(exportLog(reader(first), join(base, 'export')), { code: 'CHECKPOINT_CONFLICT' })
  await writeFile(path, note.replace(/\n6\n[^\n]+\n/, `\n6\n${Buffer.alloc(32).toString('base64')}\n`))
  await t.rejects(exportLog(reader(first), join(base, 'export')), { code: 'CHECKPOINT_CONFLICT' })
  await Promise.all([first.close(), second.close()])
})
