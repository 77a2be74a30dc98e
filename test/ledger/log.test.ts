import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { open as openLmdb } from 'lmdb'
import t from 'tap'
import { signAction } from '../../proofs/action.js'
import { encodeBase64 } from '../../proofs/base64.js'
import { parseSignedCheckpoint, verifyCheckpoint } from '../../proofs/checkpoint.js'
import { leafHash } from '../../proofs/hashing.js'
import { rootOfLeafHashes, verifyConsistency, verifyInclusion } from '../../proofs/merkle.js'
import { decodeSecretKey, decodeVkey, noteSigner } from '../../proofs/note-key.js'
import { sealBatch } from '../../proofs/seal.js'
import type { LedgerError } from '../../ledger/errors.js'
import { admit } from '../../ledger/admission.js'
import { agent, append, batch, indexes, note, open } from './sample-log.js'
import { SimulatedDisk } from './simulated-disk.js'

void t.test('what is acknowledged is in the signed checkpoint', async (t) => {
  const alice = agent('alice')
  const log = await open(t.testdir(), [alice])
  t.equal(log.published.size, 0)
  const entries = [note(alice), ...batch(alice, 1, 3)]
  t.same(indexes(await append(log, entries)), [0, 1, 2, 3, 4])
  const { checkpoint } = verifyCheckpoint(log.published.note, [decodeVkey(log.identity.vkey)])
  t.equal(checkpoint.size, 5)
  t.equal(checkpoint.origin, log.identity.origin)
  t.same(encodeBase64(checkpoint.root), encodeBase64(rootOfLeafHashes(entries.map(leafHash))))
  for (const [index, entry] of entries.entries()) {
    t.same(Buffer.from(await log.entry(index)), Buffer.from(entry), 'and served verbatim')
    t.ok(verifyInclusion(index, 5, leafHash(entry), log.inclusion(index), checkpoint.root))
  }
  await t.rejects(log.entry(5), { code: 'NOT_FOUND' })
  t.equal(log.unhealthy(), undefined)
  await log.close()
  t.match(log.unhealthy(), /stopping/)
  await t.rejects(append(log, [note(alice)]), { code: 'STOPPED' })
})

void t.test('the origin is the name and the hash of the key, made once', async (t) => {
  const base = t.testdir({ log: {}, empty: {} })
  const folder = join(base, 'log')
  const log = await open(folder, [])
  const { origin } = log.identity
  t.match(origin, /^test\/[0-9a-f]{16}$/)
  await log.close()
  const again = await open(folder, [], { name: 'renamed', origin })
  t.equal(again.identity.origin, origin)
  await again.close()
  await t.rejects(open(folder, [], { origin: 'test/0123456789abcdef' }), { code: 'BAD_IDENTITY' })
  await t.rejects(open(join(base, 'empty'), [], { origin }), { code: 'NOT_INITIALISED' })
  await rm(join(folder, 'key'))
  await t.rejects(open(folder, []), { code: 'BAD_IDENTITY' })
})

void t.test('the same bytes get their old index, other bytes are a conflict', async (t) => {
  const alice = agent('alice')
  const bob = agent('bob')
  const folder = t.testdir()
  let log = await open(folder, [alice, bob])
  const id = '018f0000-0000-7000-8000-000000000001'
  // Entry 0 registers bob.
  const first = note(alice, { id })
  const other = note(alice, { id, seq: 9 })
  const sealed = batch(alice, 1, 2)
  await append(log, [first])
  await append(log, sealed)
  for (const run of ['before', 'after'] as const) {
    t.same(await append(log, [first]), [{ index: 1, fresh: false }], `${run} a restart`)
    t.same(indexes(await append(log, sealed)), [2, 3, 4])
    await t.rejects(append(log, [other]), { code: 'ID_CONFLICT' })
    await t.rejects(append(log, [note(bob), other]), { code: 'ID_CONFLICT' }, 'and nothing of it is appended')
    t.equal(log.published.size, 5)
    await log.close()
    log = await open(folder, [])
  }
  t.same(indexes(await append(log, [note(bob, { id })])), [5], 'another agent may use the same id')
  t.throws(() => log.indexOfId(id), { code: 'AMBIGUOUS_ID' })
  t.equal(log.indexOfId(id, 'bob'), 5)
  t.throws(() => log.indexOfId('018f0000-0000-7000-8000-00000000000f'), { code: 'NOT_FOUND' })

  const racing = note(alice, { seq: 5 })
  const results = await Promise.all(Array.from({ length: 20 }, () => append(log, [racing])))
  t.same(new Set(results.flatMap(indexes)), new Set([6]), 'twenty at once make one entry')
  t.equal(results.flat().filter(({ fresh }) => fresh).length, 1)
  const twice = '018f0000-0000-7000-8000-000000000002'
  const pair = [note(alice, { id: twice, seq: 6 }), note(alice, { id: twice, seq: 7 })]
  await t.rejects(append(log, pair), { code: 'ID_CONFLICT' }, 'also inside one call')
  t.same(indexes(await append(log, [pair[0]!, pair[0]!])), [7, 7])
  const [sealedAgain] = sealed
  const resealed = batch(alice, 1, 1)
  await t.rejects(append(log, [sealedAgain!, resealed[1]!]), { code: 'BAD_ROOT' })
  await log.close()
})

void t.test('an action stands under one seal only', async (t) => {
  const alice = agent('alice')
  const log = await open(t.testdir(), [alice])
  const [one, two, seal] = batch(alice, 0, 2)
  await append(log, [one!, two!, seal!])
  const again = sealBatch({ agent: 'alice', session: 'session-1', first: 1, entries: [two!] }, alice)
  await t.rejects(append(log, [two!, again]), { code: 'ID_CONFLICT' })
  t.equal(log.published.size, 3)
  await log.close()
})

void t.test('a session that names its participants lets nobody else in', async (t) => {
  const alice = agent('alice')
  const bob = agent('bob')
  const eve = agent('eve')
  const folder = t.testdir()
  let log = await open(folder, [alice, bob, eve])
  const opening = { v: 1, session: 'private', seq: 0, ts: 1, kind: 'session.open' } as const
  const id = '018f0000-0000-7000-8000-000000000001'
  const participants = ['alice', 'bob']
  const opens = signAction({ ...opening, id, agent: 'alice', participants }, [alice])
  const uninvited = note(eve, { session: 'private' })
  await t.rejects(append(log, [opens, uninvited]), { code: 'NOT_A_PARTICIPANT' }, 'not in the same call')
  const units = await Promise.all([admit([opens], log.keys), admit([uninvited], log.keys)])
  const [opened, entered] = await Promise.allSettled(units.map((unit) => log.append(unit)))
  t.equal(opened?.status, 'fulfilled')
  t.match(entered, { reason: { code: 'NOT_A_PARTICIPANT' } }, 'nor while the opening is under way')
  await append(log, [note(bob, { session: 'private' })])
  await t.rejects(append(log, [note(eve, { session: 'private' })]), { code: 'NOT_A_PARTICIPANT' })
  await log.close()
  log = await open(folder, [])
  await t.rejects(append(log, [note(eve, { session: 'private' })]), { code: 'NOT_A_PARTICIPANT' })
  await t.rejects(
    append(log, [signAction({ ...opening, id, agent: 'eve', participants: ['eve'] }, [eve])]),
    { code: 'NOT_A_PARTICIPANT' },
    'nor can it be opened again for somebody else',
  )
  await log.close()
})

void t.test('trees of all sizes are consistent, and one size has one root across restarts', async (t) => {
  const alice = agent('alice')
  const folder = t.testdir()
  const heads = new Map<number, string>()
  let log = await open(folder, [alice])
  for (let round = 0; round < 12; round++) {
    await append(log, round % 3 === 0 ? batch(alice, round * 100, 40) : [note(alice)])
    heads.set(log.published.size, Buffer.from(log.published.note).toString())
    if (round % 4 === 3) {
      await log.close()
      log = await open(folder, [])
      t.equal(
        Buffer.from(log.published.note).toString(),
        heads.get(log.published.size),
        'the same note again',
      )
    }
  }
  const newest = log.published
  for (const [size, text] of heads) {
    const { checkpoint } = parseSignedCheckpoint(Buffer.from(text))
    t.ok(
      verifyConsistency(size, newest.size, log.consistency(size, newest.size), checkpoint.root, newest.root),
    )
  }
  t.throws(() => log.consistency(0, 1), { code: 'BAD_REQUEST' })
  t.throws(() => log.consistency(1, newest.size + 1), { code: 'NOT_FOUND' })
  await log.close()
})

void t.test('only one process writes', async (t) => {
  const folder = t.testdir()
  const log = await open(folder, [])
  await t.rejects(open(folder, []), { code: 'LOCKED', detail: { pid: process.pid } })
  await log.close()
  const again = await open(folder, [])
  await again.close()
})

void t.test('a failed sync stops the log, and it recovers by reading', async (t) => {
  for (const data of ['lost', 'persisted'] as const) {
    const alice = agent('alice')
    const disk = new SimulatedDisk()
    const folder = t.testdir({ [data]: {} })
    const fatal: LedgerError[] = []
    const log = await open(join(folder, data), [alice], { disk, onFatal: (error) => fatal.push(error) })
    const kept = note(alice)
    await append(log, [kept])
    const before = Buffer.from(log.published.note)
    disk.failSync(1, data)
    await t.rejects(append(log, [note(alice)]), { code: 'WAL_FAILED' })
    await t.rejects(append(log, [note(alice)]), { code: 'WAL_FAILED' })
    t.same(
      fatal.map(({ code }) => code),
      ['WAL_FAILED'],
    )
    t.match(log.unhealthy(), /cannot be made durable/)
    t.same(Buffer.from(log.published.note), before, 'nothing of it was published')
    await log.close()
    const again = await open(join(folder, data), [], { disk })
    t.equal(again.published.size, 2, 'the entry in doubt is in, because it can be read')
    t.same(Buffer.from(await again.entry(0)), Buffer.from(kept))
    await again.close()
  }
})

void t.test('a log that lost or changed what it bound itself to does not open', async (t) => {
  const alice = agent('alice')
  const folder = t.testdir()
  const log = await open(folder, [alice])
  for (let i = 0; i < 3; i++) await append(log, [note(alice)])
  await log.close()
  const [segment] = await readdir(join(folder, 'wal'))
  const path = join(folder, 'wal', segment!)
  const whole = await readFile(path)
  await writeFile(path, whole.subarray(0, whole.length - 10))
  await t.rejects(open(folder, []), { code: 'WAL_DAMAGED' }, 'a lost tail')
  const flipped = Buffer.from(whole)
  flipped[200] = flipped[200]! ^ 1
  await writeFile(path, flipped)
  await t.rejects(open(folder, []), { code: 'WAL_DAMAGED' }, 'a flipped bit')
  await writeFile(path, whole)

  await rm(join(folder, 'index'), { recursive: true })
  await t.rejects(open(folder, []), { code: 'CHECKPOINT_MISSING' }, 'a lost index')
})

void t.test('a well-formed log with other entries does not pass for this one', async (t) => {
  const alice = agent('alice')
  const folder = t.testdir({ ours: {}, theirs: {} })
  for (const name of ['ours', 'theirs']) {
    const log = await open(join(folder, name), [alice])
    await append(log, [note(alice)])
    await log.close()
  }
  const segment = '00000000000000000000.wal'
  await writeFile(
    join(folder, 'ours', 'wal', segment),
    await readFile(join(folder, 'theirs', 'wal', segment)),
  )
  await t.rejects(open(join(folder, 'ours'), []), { code: 'ROOT_MISMATCH' })
})

void t.test('a damaged index is made again from the write-ahead log', async (t) => {
  const alice = agent('alice')
  const folder = t.testdir()
  const log = await open(folder, [alice])
  const first = note(alice)
  await append(log, [first])
  for (let i = 0; i < 5; i++) await append(log, batch(alice, 1 + i * 70, 70))
  const published = Buffer.from(log.published.note)
  await log.close()
  const env = openLmdb({ path: join(folder, 'index'), noSubdir: false, maxDbs: 8 })
  for (const name of ['tiles', 'ids', 'leaves']) await env.openDB({ name }).clearAsync()
  await env.close()
  const again = await open(folder, [])
  t.same(Buffer.from(again.published.note), published)
  t.same(await append(again, [first]), [{ index: 0, fresh: false }])
  t.ok(verifyInclusion(0, again.published.size, leafHash(first), again.inclusion(0), again.published.root))
  await again.close()
})

void t.test('an agent with the key of the log is refused', async (t) => {
  const folder = t.testdir()
  const root = agent('root')
  const log = await open(folder, [root])
  const { seed } = decodeSecretKey((await readFile(join(folder, 'key'), 'utf8')).trim())
  const impostor = noteSigner('impostor', seed)
  await log.close()
  await t.rejects(open(folder, [root, impostor]), { code: 'KEY_REUSED' })
})
