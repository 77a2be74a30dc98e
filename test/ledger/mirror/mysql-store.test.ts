import t from 'tap'
import { encodeBase64 } from '../../../proofs/base64.js'
import { leafHash } from '../../../proofs/hashing.js'
import { EMPTY_ROOT } from '../../../proofs/merkle.js'
import type { Commit } from '../../../ledger/index-store.js'
import { MysqlStore } from '../../../ledger/mirror/mysql-store.js'
import { ownIdentity } from '../../../runtime/process-identity.js'
import { logStoreConformance } from '../../conformance/log-store.js'
import { startMariaDb } from '../mariadb.js'

const server = await startMariaDb()
t.teardown(() => server.close())

const ORIGIN = 'test/0123456789abcdef'
const options = (database: string) => ({ socketPath: server.socket, user: 'root', database })
const empty = { size: 0, root: encodeBase64(EMPTY_ROOT), time: 1 }

async function begun(name: string): Promise<MysqlStore> {
  await server.database(name)
  const store = await MysqlStore.open(options(name), ORIGIN)
  await store.changeLease(() => ({ epoch: 1, holder: ownIdentity(), renewed: 1 }))
  await store.initialise(empty)
  return store
}

const entry = (index: number, bytes: Uint8Array): Commit['entries'][number] => ({
  index,
  leaf: leafHash(bytes),
  bytes,
})

const grown = (from: number, entries: readonly Uint8Array[]): Commit => ({
  epoch: 1,
  from,
  checkpoint: { size: from + entries.length, root: encodeBase64(leafHash(Buffer.from('root'))), time: 2 },
  entries: entries.map((bytes, i) => entry(from + i, bytes)),
  tiles: [],
})

void t.test('MySQL', async (t) => {
  const made = new Set<string>()
  logStoreConformance(t, async (name) => {
    if (!made.has(name)) await server.database(`conform_${name}`)
    made.add(name)
    return MysqlStore.open(options(`conform_${name}`), ORIGIN)
  })
})

void t.test('entries come back verbatim, also the longest and any bytes', async (t) => {
  const store = await begun('verbatim')
  const every = Uint8Array.from({ length: 256 }, (_, i) => i)
  const longest = Array.from({ length: 40 }, (_, i) => new Uint8Array(65_535).fill(i))
  await store.commit(grown(0, [every, ...longest]))
  const back = await store.entries(0, 41)
  t.equal(Buffer.compare(back[0]!, every), 0)
  t.ok(longest.every((bytes, i) => Buffer.compare(bytes, back[i + 1]!) === 0))
  await t.rejects(store.entries(40, 2), { code: 'NOT_FOUND' })
  await store.close()
})

void t.test('reading the checkpoint waits for no writer that holds its row', async (t) => {
  const store = await begun('locks')
  const writer = await server.connect('locks')
  await writer.query('START TRANSACTION')
  await writer.query('UPDATE portcullis_ledger SET time = 9')
  await writer.query('SELECT * FROM portcullis_ledger_lease FOR UPDATE')
  // Within the time that a lock is waited for, any number of them are answered: none waits.
  for (let i = 0; i < 100; i++) t.same(await store.checkpoint, empty)
  const committing = store.commit(grown(0, [Buffer.from('one')]))
  await writer.query('ROLLBACK')
  await writer.end()
  await committing
  t.match(await store.checkpoint, { size: 1 })
  await store.close()
})

void t.test('a row that stays locked is not waited for without end', async (t) => {
  const store = await begun('stuck')
  const writer = await server.connect('stuck')
  await writer.query('START TRANSACTION')
  await writer.query('SELECT * FROM portcullis_ledger FOR UPDATE')
  await t.rejects(store.commit(grown(0, [Buffer.from('one')])), { code: 'MIRROR_UNAVAILABLE', fatal: false })
  await writer.end()
  await store.commit(grown(0, [Buffer.from('one')]))
  await store.close()
})

void t.test('a commit whose answer was lost may be sent again', async (t) => {
  const store = await begun('lost')
  await store.commit(grown(0, [Buffer.from('one')]))
  await store.commit(grown(0, [Buffer.from('one')]))
  t.match(await store.checkpoint, { size: 1 })
  await store.close()
})

void t.test('the database itself refuses an id, a leaf or an index twice', async (t) => {
  const store = await begun('twice')
  await store.commit(grown(0, [Buffer.from('one')]))
  await t.rejects(store.commit(grown(1, [Buffer.from('one')])), { code: 'CHECKPOINT_CONFLICT' })
  t.match(await store.checkpoint, { size: 1 })
  const identity = { agent: 'alice', id: '00000000-0000-7000-8000-000000000000' }
  const [two, three] = [Buffer.from('two'), Buffer.from('three')]
  const same = {
    ...grown(1, [two, three]),
    entries: [two, three].map((b, i) => ({ ...entry(i + 1, b), identity })),
  }
  await t.rejects(store.commit(same), { code: 'CHECKPOINT_CONFLICT' })
  t.equal(await store.findLeaf(leafHash(two)), undefined)
  await store.close()
})

void t.test('a database that is not fit for it is refused', async (t) => {
  const store = await begun('fit')
  await store.close()
  await t.rejects(MysqlStore.open(options('fit'), 'other/0123456789abcdef'), {
    code: 'BAD_MIRROR',
    message: /holds the log test\/0123456789abcdef/,
  })
  const operator = await server.connect('fit')
  await operator.query('UPDATE portcullis_ledger SET version = 99')
  await t.rejects(MysqlStore.open(options('fit'), ORIGIN), { code: 'BAD_MIRROR', message: /version 99/ })
  await operator.query('UPDATE portcullis_ledger SET version = 1')
  await operator.query('SET GLOBAL innodb_flush_log_at_trx_commit = 2')
  await t.rejects(MysqlStore.open(options('fit'), ORIGIN), { code: 'BAD_MIRROR', message: /may forget/ })
  await operator.query('SET GLOBAL innodb_flush_log_at_trx_commit = 1')
  await operator.end()
  await t.rejects(MysqlStore.open(options('absent'), ORIGIN), { code: 'MIRROR_UNAVAILABLE' })
})
