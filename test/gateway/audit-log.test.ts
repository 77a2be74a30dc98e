import { mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'

import type { AuditLogEvents } from '../../gateway/audit-log.js'
import { AuditLog } from '../../gateway/audit-log.js'

const quiet: AuditLogEvents = {
  onFailure: () => undefined,
  onRecovery: () => undefined,
  onLost: () => undefined,
}

t.test('lines are appended in order, private, and on disk by themselves', async (t) => {
  const file = join(t.testdir({}), 'audit.jsonl')
  const log = await AuditLog.open(file, quiet)
  for (let line = 0; line < 1000; line++) log.write(`{"n":${line}}`)
  while (readFileSync(file, 'utf8').split('\n').length < 1001)
    await new Promise((resolve) => setTimeout(resolve, 2))
  t.same(
    readFileSync(file, 'utf8').trimEnd().split('\n'),
    Array.from({ length: 1000 }, (_, line) => `{"n":${line}}`),
  )
  t.equal(statSync(file).mode & 0o777, 0o600)
  await log.close()
})

t.test('what is there already stays', async (t) => {
  const file = join(t.testdir({ 'audit.jsonl': 'old\n' }), 'audit.jsonl')
  const log = await AuditLog.open(file, quiet)
  log.write('new')
  await log.close()
  t.equal(readFileSync(file, 'utf8'), 'old\nnew\n')
})

t.test('after rotation, reopen takes the file anew and no line is lost', async (t) => {
  const file = join(t.testdir({}), 'audit.jsonl')
  const log = await AuditLog.open(file, quiet)
  log.write('one')
  await log.flush()
  renameSync(file, `${file}.1`)
  log.write('two')
  log.reopen()
  log.write('three')
  await log.close()
  const old = readFileSync(`${file}.1`, 'utf8')
  t.equal(old + readFileSync(file, 'utf8'), 'one\ntwo\nthree\n')
})

t.test('a path that cannot be opened fails at start', async (t) => {
  await t.rejects(AuditLog.open(join(t.testdir({}), 'none', 'audit.jsonl'), quiet), { code: 'ENOENT' })
})

t.test('while the disk fails lines wait, it shows, and they are written when it is back', async (t) => {
  const file = join(t.testdir({ folder: {} }), 'folder', 'audit.jsonl')
  const events: string[] = []
  let recovered: () => void = () => undefined
  const back = new Promise<void>((resolve) => (recovered = resolve))
  const log = await AuditLog.open(file, {
    onFailure: () => events.push('failure'),
    onRecovery: () => {
      events.push('recovery')
      recovered()
    },
    onLost: () => events.push('lost'),
  })
  rmSync(dirname(file), { recursive: true })
  log.reopen()
  log.write('kept')
  await log.flush()
  t.notOk(log.healthy)
  t.same(events, ['failure'])
  mkdirSync(dirname(file))
  await back
  t.ok(log.healthy)
  t.same(events, ['failure', 'recovery'])
  await log.close()
  t.equal(readFileSync(file, 'utf8'), 'kept\n')
})

t.test(
  'a full device is an error that shows',
  { skip: process.platform !== 'linux' && 'needs /dev/full' },
  async (t) => {
    const events: string[] = []
    const log = await AuditLog.open('/dev/full', {
      ...quiet,
      onFailure: () => events.push('failure'),
      onLost: (lines) => events.push(`lost ${lines}`),
    })
    log.write('a')
    log.write('b')
    await log.flush()
    t.notOk(log.healthy)
    await log.close()
    t.same(events, ['failure', 'lost 2'])
  },
)

t.test('lines after close are counted as lost', async (t) => {
  let lost = 0
  const file = join(t.testdir({}), 'audit.jsonl')
  const log = await AuditLog.open(file, { ...quiet, onLost: (lines) => (lost += lines) })
  await log.close()
  log.write('late')
  t.equal(lost, 1)
})
