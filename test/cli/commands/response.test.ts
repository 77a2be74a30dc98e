import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { CommandEvent } from '../../../runtime/events.js'
import { openOutbox } from '../../../runtime/lmdb-outbox.js'
import { openTopic } from '../../../runtime/topics.js'
import { sha256 } from '../../scanner/sample-files.js'
import { runInProcess } from '../fixtures/in-process.js'

/** The events that a data folder's outbox holds. */
async function eventsIn(data: string): Promise<CommandEvent['data'][]> {
  const outbox = openOutbox(join(data, 'outbox'))
  const seen: CommandEvent['data'][] = []
  const consumer = openTopic(outbox, 'events').consume('incidents', async (items) => {
    for (const { bytes } of items)
      seen.push((JSON.parse(Buffer.from(bytes).toString('utf8')) as CommandEvent).data)
  })
  await consumer.drained()
  await consumer.stop()
  await outbox.close()
  return seen
}

t.test('what a person does to files is done, told and recorded', async (t) => {
  const base = mkdtempSync(join(tmpdir(), 'portcullis-test-'))
  t.teardown(() => rmSync(base, { recursive: true }))
  const data = join(base, 'data')
  const path = join(base, 'file')
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await runInProcess([...args, '--data', data])
    return { code, said: stdout + stderr }
  }
  writeFileSync(path, 'bad')
  t.match(await run('response', 'delete', path, '--dry-run'), { code: 0, said: /would be deleted/ })
  t.ok(existsSync(path))
  t.match(await run('response', 'kill', path), { code: 1, said: /^RESPONSE_OFF/m })
  t.match(await run('response', 'block', sha256('bad')), { code: 0, said: /malicious/ })
  t.match(await run('response', 'list'), { said: new RegExp(`^${sha256('bad')}  malicious  by person:`) })
  t.match(await run('scan', '--jobs', '1', path), { code: 1, said: /hash blocked_hash/ })
  t.match(await run('response', 'unblock', sha256('bad')), { code: 0 })
  t.match(await run('response', 'unblock', sha256('bad')), { code: 2, said: /is not blocked/ })
  t.match(await run('response', 'block', 'xyz'), { code: 2, said: /no SHA-256/ })
  t.match(await run('scan', '--jobs', '1', path), { code: 0 })

  const { said } = await run('response', 'quarantine', path, '--json')
  const { quarantine: item } = JSON.parse(said) as { quarantine: string }
  t.notOk(existsSync(path))
  t.match(await run('quarantine', 'restore', item), { code: 0 })
  t.equal(readFileSync(path, 'utf8'), 'bad')
  await run('response', 'quarantine', path)
  t.match(await run('quarantine', 'purge', '--older-than', '1'), { code: 0, said: '' })
  t.match(await run('quarantine', 'purge', '--older-than', '0'), { code: 0, said: /^deleted/ })
  t.match(await run('quarantine', 'list'), { said: '' })
  writeFileSync(path, 'bad')
  t.match(await run('response', 'delete', path), { code: 0, said: /^deleted/ })
  t.notOk(existsSync(path))
  t.strictSame(
    (await eventsIn(data)).map(({ action, dry_run, code }) => [action, dry_run, code]),
    [
      ['delete', true, undefined],
      ['kill', false, 'RESPONSE_OFF'],
      ['block_hash', false, undefined],
      ['revoke', false, undefined],
      ['quarantine', false, undefined],
      ['restore', false, undefined],
      ['quarantine', false, undefined],
      ['discard', false, undefined],
      ['delete', false, undefined],
    ],
  )
})
