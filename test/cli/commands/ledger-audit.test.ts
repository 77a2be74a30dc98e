import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { runInProcess as run } from '../fixtures/in-process.js'
import { entriesOf, ForeignLog } from '../../ledger/audit/foreign-log.js'

void t.test('a whole log is audited', async (t) => {
  const folder = t.testdir({})
  const log = new ForeignLog()
  await log.write(folder, entriesOf(300))
  const good = await run(['ledger', 'audit', folder, '--vkey', log.vkey])
  t.equal(good.code, 0, good.stderr)
  t.match(good.stdout, /^ok: "example.org\/foreign", 300 entries, root /)

  const json = await run(['ledger', 'audit', folder, '--vkey', log.vkey, '--json'])
  t.match(JSON.parse(json.stdout), { ok: true, size: 300, entries: 300, findings: [] })

  const path = join(folder, 'tile/entries/000')
  const bytes = await readFile(path)
  bytes[2] = 0
  await writeFile(path, bytes)
  const bad = await run(['ledger', 'audit', folder, '--vkey', log.vkey])
  t.equal(bad.code, 1)
  t.equal(bad.stdout, '')
  t.match(bad.stderr, /^bad_entry: tile\/entries\/000: entry 0 /)
})

void t.test('mistakes in the command line are told', async (t) => {
  const { vkey } = new ForeignLog()
  t.match(await run(['ledger', 'audit', '.', '--vkey', 'nonsense']), { code: 1, stderr: /^MALFORMED_KEY/ })
  const args = ['ledger', 'audit', 'http://127.0.0.1:1/', '--vkey', vkey]
  t.match(await run(args), { code: 1, stderr: /^OUTBOUND_REFUSED/ })
  t.match(await run([...args, '--allow', 'everything']), { code: 2, stderr: /^USAGE: --allow/ })
  t.match(await run(['ledger', 'audit', '/nowhere', '--vkey', vkey]), { code: 1, stderr: /^NOT_FOUND/ })
})
