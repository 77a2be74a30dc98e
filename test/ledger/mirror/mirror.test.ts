import { spawnSync } from 'node:child_process'
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { encodeVkey } from '../../../proofs/note-key.js'
import type { Test } from 'tap'
import { encodeBase64 } from '../../../proofs/base64.js'
import { realDisk } from '../../../ledger/disk.js'
import type { Log, LogOptions } from '../../../ledger/log.js'
import { MysqlStore } from '../../../ledger/mirror/mysql-store.js'
import { restoreFromMirror } from '../../../ledger/mirror/restore.js'
import { startMariaDb } from '../mariadb.js'
import { agent, append, batch, clock, indexes, note, open, silent } from '../sample-log.js'

const server = await startMariaDb()
t.teardown(() => server.close())
const alice = agent('alice')

const mirrorOf = (database: string) => (origin?: string) =>
  MysqlStore.open({ socketPath: server.socket, user: 'root', database }, origin)

/** A folder and a mirror of its own for each test. */
async function mirrored(t: Test, database: string): Promise<[folder: string, options: Partial<LogOptions>]> {
  await server.database(database)
  return [join(t.testdir(), 'ledger'), { openMirror: mirrorOf(database) }]
}

async function recorded(database: string): Promise<{ size: number; root: string } | undefined> {
  const store = await mirrorOf(database)()
  const checkpoint = await store.checkpoint
  await store.close()
  return checkpoint
}

const rootOf = (log: Log): { size: number; root: string } => ({
  size: log.published.size,
  root: encodeBase64(log.published.root),
})

void t.test('what is acknowledged is in the mirror, byte for byte', async (t) => {
  const [folder, options] = await mirrored(t, 'plain')
  const log = await open(folder, [alice], options)
  const entries = [note(alice), ...batch(alice, 0, 5), note(alice)]
  t.same(indexes(await append(log, entries)), [0, 1, 2, 3, 4, 5, 6, 7])
  t.match(await recorded('plain'), rootOf(log))
  const store = await mirrorOf('plain')()
  t.same(
    (await store.entries(0, 8)).map((bytes) => Buffer.from(bytes).toString('latin1')),
    entries.map((bytes) => Buffer.from(bytes).toString('latin1')),
  )
  await store.close()
  await log.close()
})

void t.test('a log that has entries already is copied when it gets a mirror', async (t) => {
  const [folder, options] = await mirrored(t, 'late')
  const first = await open(folder, [alice])
  await append(first, batch(alice, 0, 300))
  await first.close()
  const log = await open(folder, [alice], options)
  t.match(await recorded('late'), rootOf(log))
  await append(log, [note(alice)])
  t.match(await recorded('late'), { size: 302 })
  await log.close()
})

void t.test(
  'while the mirror is away nothing is acknowledged, answers stay, and nothing is lost',
  async (t) => {
    const [folder, options] = await mirrored(t, 'outage')
    const log = await open(folder, [alice], options)
    const before = note(alice)
    await append(log, [before])
    const head = rootOf(log)
    await server.kill()
    const waiting = note(alice)
    await t.rejects(append(log, [waiting]), { code: 'MIRROR_UNAVAILABLE', fatal: false })
    await t.rejects(
      append(log, [note(alice)]),
      { code: 'MIRROR_UNAVAILABLE' },
      'refused before it is written',
    )
    t.match(log.unhealthy(), /mirror of the log is away/)
    t.same(rootOf(log), head, 'nothing is published')
    t.same(Buffer.from(await log.entry(0)), Buffer.from(before))
    t.equal(log.inclusion(0).length, 0)
    t.same(await append(log, [before]), [{ index: 0, fresh: false }], 'what was acknowledged still is')
    const published = new Promise<void>((resolve) => log.onPublished(resolve))
    await server.start()
    await published
    t.equal(log.unhealthy(), undefined)
    t.same(await append(log, [waiting]), [{ index: 1, fresh: false }], 'it was durable all the time')
    t.same(indexes(await append(log, [note(alice)])), [2])
    t.match(await recorded('outage'), rootOf(log))
    await log.close()
  },
)

void t.test('a ledger that stops while its mirror is away takes in later what was durable', async (t) => {
  const [folder, options] = await mirrored(t, 'stopped')
  const log = await open(folder, [alice], options)
  await server.kill()
  const waiting = note(alice)
  await t.rejects(append(log, [waiting]), { code: 'MIRROR_UNAVAILABLE' })
  await log.close()
  await t.rejects(
    open(folder, [alice], options),
    { code: 'MIRROR_UNAVAILABLE' },
    'no start without the mirror',
  )
  await server.start()
  const operator = await server.connect('stopped')
  // As if the process had ended, as one that stops does.
  await operator.query(`UPDATE portcullis_ledger_lease SET holder = JSON_SET(holder, '$.started', '1')`)
  await operator.end()
  const again = await open(folder, [alice], options)
  t.equal(again.published.size, 1)
  t.match(await recorded('stopped'), rootOf(again))
  t.same(await append(again, [waiting]), [{ index: 0, fresh: false }])
  await again.close()
})

void t.test('a database that is killed again and again loses nothing that was acknowledged', async (t) => {
  const [folder, options] = await mirrored(t, 'killed')
  const log = await open(folder, [alice], options)
  const acknowledged = new Map<number, Uint8Array>()
  const given = new Set<number>()
  let running = true
  const writers = Array.from({ length: 8 }, async () => {
    while (running) {
      const entry = note(alice)
      // An agent sends the same bytes until they are acknowledged.
      for (;;) {
        try {
          const [{ index } = { index: -1 }] = await append(log, [entry])
          t.notOk(given.has(index), 'no index twice')
          given.add(index)
          acknowledged.set(index, entry)
          break
        } catch (error) {
          t.match(error, { code: 'MIRROR_UNAVAILABLE' })
          await new Promise((resolve) => setImmediate(resolve))
        }
      }
    }
  })
  for (let round = 0; round < 3; round++) {
    const size = log.published.size
    while (log.published.size < size + 50) await new Promise<void>((resolve) => log.onPublished(resolve))
    await server.kill()
    await server.start()
  }
  running = false
  await Promise.all(writers)
  t.match(await recorded('killed'), rootOf(log))
  await log.close()
  const again = await open(folder, [alice], options)
  for (const [index, entry] of acknowledged) {
    if (Buffer.compare(await again.entry(index), entry) !== 0) t.fail(`entry ${index} is another one`)
  }
  t.equal(again.published.size, acknowledged.size)
  await again.close()
})

void t.test('a crash between the mirror and the index is caught up with', async (t) => {
  const [folder, options] = await mirrored(t, 'between')
  const first = await open(folder, [alice], options)
  await append(first, [note(alice)])
  await first.close()
  await cp(join(folder, 'index'), join(folder, 'older'), { recursive: true })
  const second = await open(folder, [alice], options)
  await append(second, batch(alice, 0, 20))
  const head = rootOf(second)
  await second.close()
  await rm(join(folder, 'index'), { recursive: true })
  await cp(join(folder, 'older'), join(folder, 'index'), { recursive: true })
  const third = await open(folder, [alice], options)
  t.same(rootOf(third), head)
  t.match(await recorded('between'), head)
  await append(third, [note(alice)])
  t.match(await recorded('between'), rootOf(third))
  await third.close()
})

void t.test('a folder that is older than the mirror, or that tells another story, is refused', async (t) => {
  const [folder, options] = await mirrored(t, 'forks')
  const first = await open(folder, [alice], options)
  await append(first, [note(alice)])
  await first.close()
  const backup = `${folder}-backup`
  await cp(folder, backup, { recursive: true })
  const second = await open(folder, [alice], options)
  await append(second, [note(alice)])
  await second.close()
  await t.rejects(open(backup, [alice], options), { code: 'WAL_DAMAGED' }, 'an old backup')
  const alone = await open(backup, [alice])
  await append(alone, [note(alice), note(alice)])
  await alone.close()
  await t.rejects(open(backup, [alice], options), { code: 'ROOT_MISMATCH', message: /in the mirror/ })
  const again = await open(folder, [alice], options)
  t.equal(again.published.size, 2)
  await again.close()
})

void t.test('of two machines that hold the same log one writes', async (t) => {
  const [folder, options] = await mirrored(t, 'machines')
  const first = await open(folder, [alice], options)
  await append(first, [note(alice)])
  await first.close()
  const other = `${folder}-other`
  await cp(folder, other, { recursive: true })
  const fatal: string[] = []
  const one = await open(folder, [alice], { ...options, onFatal: ({ code }) => fatal.push(code) })
  await t.rejects(open(other, [alice], options), { code: 'LOCKED' })
  const operator = await server.connect('machines')
  // As if the holder ran on another machine, where its pid cannot be asked for.
  await operator.query(`UPDATE portcullis_ledger_lease SET holder = JSON_SET(holder, '$.boot', 'elsewhere')`)
  await t.rejects(open(other, [alice], options), { code: 'LOCKED', message: /believed for 20 s/ })
  await operator.query('UPDATE portcullis_ledger_lease SET renewed = renewed - 20001')
  await operator.end()
  const taker = await open(other, [alice], options)
  await append(taker, [note(alice)])
  await t.rejects(append(one, [note(alice)]), { code: 'CHECKPOINT_CONFLICT', fatal: true })
  t.same(fatal, ['CHECKPOINT_CONFLICT'])
  t.equal(one.published.size, 1, 'the old writer signed nothing')
  await one.close()
  t.match(await recorded('machines'), rootOf(taker))
  await taker.close()
})

void t.test('an empty folder is restored from the mirror, and only when that is said', async (t) => {
  const [folder, options] = await mirrored(t, 'restore')
  const log = await open(folder, [alice], options)
  const entries = batch(alice, 0, 600)
  await append(log, entries)
  const head = rootOf(log)
  const { note: checkpoint } = log.published
  await log.close()
  const lost = `${folder}-lost`
  await t.rejects(open(lost, [alice], options), {
    code: 'NOT_INITIALISED',
    message: /ledger import --from-mirror/,
  })
  const restore = () =>
    restoreFromMirror({
      folder: lost,
      disk: realDisk,
      clock,
      root: alice,
      log: silent,
      openMirror: mirrorOf('restore'),
    })
  await t.rejects(restore(), { code: 'BAD_IDENTITY' }, 'without the key')
  await cp(join(folder, 'key'), join(lost, 'key'))
  const operator = await server.connect('restore')
  await operator.query('UPDATE portcullis_ledger_entries SET entry = CONCAT(entry, "x") WHERE position = 300')
  await t.rejects(restore(), { code: 'ROOT_MISMATCH' })
  await operator.query(
    'UPDATE portcullis_ledger_entries SET entry = LEFT(entry, LENGTH(entry) - 1) WHERE position = 300',
  )
  await operator.end()
  t.match(await restore(), { checkpoint: head })
  await t.rejects(restore(), { code: 'ALREADY_INITIALISED' })
  const again = await open(lost, [alice], options)
  t.same(rootOf(again), head)
  t.same(Buffer.from(again.published.note), Buffer.from(checkpoint), 'the same bytes are signed')
  t.equal((await append(again, entries))[0]?.fresh, false)
  await append(again, [note(alice)])
  t.match(await recorded('restore'), rootOf(again))
  await again.close()
})

void t.test('the command restores what the configuration names, and never shows its secret', async (t) => {
  const [folder, options] = await mirrored(t, 'command')
  const log = await open(folder, [alice], options)
  await append(log, batch(alice, 0, 3))
  const { origin } = log.identity
  await log.close()
  const data = `${folder}-data`
  await mkdir(join(data, 'ledger'), { recursive: true })
  await cp(join(folder, 'key'), join(data, 'ledger', 'key'))
  const config = join(data, 'portcullis.yaml')
  await writeFile(config, `data: ${data}\nledger: { mysql: { url: 'env:MIRROR_URL' } }\n`)
  const url = (user: string): string =>
    `mysql://${user}@localhost/command?socket=${encodeURIComponent(server.socket)}`
  const command = ['ledger', 'import', '--from-mirror', '--root', encodeVkey(alice), '--config', config]
  const restore = (user: string) =>
    // Without the loader that tests run under.
    spawnSync('env', ['-u', 'NODE_OPTIONS', 'bin/portcullis', ...command], {
      env: { ...process.env, MIRROR_URL: url(user) },
      encoding: 'utf8',
    })
  const refused = restore('somebody:a-wrong-password')
  t.equal(refused.status, 1)
  t.match(refused.stderr, /MIRROR_UNAVAILABLE.*denied/is)
  t.notMatch(refused.stdout + refused.stderr, /a-wrong-password/)
  const restored = restore('root')
  t.equal(restored.status, 0, restored.stderr)
  t.match(restored.stdout, `4 entries of ${origin} restored`)
})
