import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { HashDatabaseBuilder } from '../../../scanner/hashes/builder.js'
import { HashDatabase, isHashDatabase } from '../../../scanner/hashes/database.js'
import { readList } from '../../../scanner/hashes/list-reader.js'

const COUNT = Number(process.env.PORTCULLIS_TEST_HASHES ?? 100_000)
const digest = (text: string | number): Buffer => createHash('sha256').update(String(text)).digest()

t.test('every digest that was put in is found by its name, and no other', async (t) => {
  const target = join(t.testdir(), 'hashes')
  const builder = new HashDatabaseBuilder(target)
  for (let i = 0; i < COUNT; i++) builder.add('malicious', 'sha256', digest(i), 0, `Family.${i % 100}`)
  builder.add('malicious', 'sha256', digest(7), 0, 'Again')
  builder.add('allowed', 'sha1', randomBytes(20), 0, 'good')
  const sections = builder.finish()
  t.match(sections, [{ count: COUNT }, { count: 1, algorithm: 'sha1', kind: 'allowed' }])
  t.strictSame(readdirSync(join(target, '..')), ['hashes'], 'nothing temporary is left')
  t.ok(isHashDatabase(target))
  const database = HashDatabase.open(target, { check: true })
  let wrong = 0
  for (let i = 0; i < COUNT; i++)
    if (database.find('malicious', 'sha256', digest(i)) !== `Family.${i % 100}`) wrong++
  for (let i = COUNT; i < 2 * COUNT; i++)
    if (database.find('malicious', 'sha256', digest(i)) !== undefined) wrong++
  t.equal(wrong, 0)
  t.equal(database.find('allowed', 'sha256', digest(1)), undefined)
  t.notOk(database.has('md5'))
  t.ok((sections[0]?.bloom.length ?? 0) <= COUNT * 1.6, 'the filter takes 12 bits a digest')
  database.close()
})

t.test('digests that begin alike, or are the same, are told apart', async (t) => {
  const folder = t.testdir()
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.constantFrom(0, 1, 255), { minLength: 16, maxLength: 16 }), {
        minLength: 1,
        maxLength: 60,
      }),
      (rows) => {
        const target = join(folder, 'hashes')
        const builder = new HashDatabaseBuilder(target)
        for (const row of rows) builder.add('malicious', 'md5', Buffer.from(row), 0, row.join('.'))
        builder.finish()
        const database = HashDatabase.open(target)
        const found = rows.every(
          (row) => database.find('malicious', 'md5', Buffer.from(row)) === row.join('.'),
        )
        database.close()
        return found
      },
    ),
    { numRuns: 30 },
  )
})

t.test('a damaged database is refused, whatever byte is wrong', async (t) => {
  const folder = t.testdir()
  const target = join(folder, 'hashes')
  const builder = new HashDatabaseBuilder(target)
  for (let i = 0; i < 50; i++) builder.add('malicious', 'sha1', digest(i), 0, `N${i}`)
  const [section] = builder.finish()
  const good = readFileSync(target)
  const damaged = join(folder, 'damaged')
  const at = [
    0,
    9,
    13,
    section?.bloom.offset,
    section?.index.offset,
    section?.records.offset,
    good.length - 1,
  ]
  for (const offset of at) {
    const bytes = Buffer.from(good)
    bytes[offset ?? -1] = (bytes[offset ?? -1] ?? 0) ^ 0x21
    writeFileSync(damaged, bytes)
    t.throws(
      () => HashDatabase.open(damaged, { check: true }),
      { code: 'SCAN_HASH_LIST', message: /damaged/ },
      `${offset}`,
    )
  }
  for (const length of [0, 5, 100, 9000, good.length - 1]) {
    writeFileSync(damaged, good.subarray(0, length))
    t.throws(() => HashDatabase.open(damaged, { check: true }), { code: 'SCAN_HASH_LIST' })
  }
})

t.test('each format of lists is read, and what is not taken is named by its line', async (t) => {
  const hex = (bytes: number, i: number): string => digest(i).toString('hex', 0, bytes)
  const folder = t.testdir({
    'plain.txt': `# comment\n${hex(32, 1)}  Name One # more\r\n${hex(20, 2).toUpperCase()}\n\n${hex(16, 3)},Comma\nzz\n`,
    'bazaar.csv':
      '# "first_seen_utc","sha256_hash","md5_hash","sha1_hash","reporter"\n' +
      `"2026-01-01 00:00:00", "${hex(32, 4)}", "${hex(16, 4)}", "${hex(20, 4)}", "r", "a, b.exe", "exe", "x", "AgentTesla"\n` +
      `"2026-01-01 00:00:00", "${hex(32, 5)}", "", "", "r", "f", "exe", "x", "n/a"\n`,
    'main.hsb': `${hex(32, 6)}:123:Win.Test-1:73\n${hex(20, 7)}:*:Win.Test-2\n${hex(16, 8)}:x:Bad\n`,
    'nsrl.txt': `"SHA-1","MD5","CRC32","FileName","FileSize"\n"${hex(20, 9)}","${hex(16, 9)}","0","a.dll",5,"x"\n`,
  })
  const target = join(folder, 'hashes')
  const builder = new HashDatabaseBuilder(target)
  const refused: [string, number][] = []
  const counts = ['plain.txt', 'bazaar.csv', 'main.hsb', 'nsrl.txt'].map((name) =>
    readList(join(folder, name), { kind: 'malicious' }, builder, (line) => refused.push([name, line])),
  )
  builder.finish()
  t.strictSame(counts, [3, 2, 2, 1])
  t.strictSame(refused, [
    ['plain.txt', 6],
    ['main.hsb', 3],
  ])
  const database = HashDatabase.open(target)
  const found = ([algorithm, i]: readonly ['md5' | 'sha1' | 'sha256', number]): string | undefined =>
    database.find('malicious', algorithm, digest(i).subarray(0, { md5: 16, sha1: 20, sha256: 32 }[algorithm]))
  t.equal(found(['sha256', 1]), 'Name One')
  t.equal(found(['sha1', 2]), 'listed')
  t.equal(found(['md5', 3]), 'Comma')
  t.equal(found(['sha256', 4]), 'AgentTesla')
  t.equal(found(['sha256', 5]), 'listed')
  t.equal(found(['sha256', 6]), 'Win.Test-1')
  t.equal(found(['sha1', 7]), 'Win.Test-2')
  t.equal(found(['sha1', 9]), 'a.dll')
  database.close()
})

t.test('any bytes are a list or refused lines', async (t) => {
  const folder = t.testdir()
  const file = join(folder, 'list.hdb')
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
      writeFileSync(file, bytes)
      const builder = new HashDatabaseBuilder(join(folder, 'out'))
      readList(file, { kind: 'malicious' }, builder, () => undefined)
      builder.discard()
    }),
  )
  writeFileSync(file, 'a'.repeat(200_000))
  const builder = new HashDatabaseBuilder(join(folder, 'out'))
  t.throws(() => readList(file, { kind: 'malicious' }, builder, () => undefined), {
    code: 'SCAN_HASH_LIST',
    message: /longer/,
  })
  builder.discard()
})

t.test('all entries can be put into another database', async (t) => {
  const folder = t.testdir()
  const one = join(folder, 'one')
  const builder = new HashDatabaseBuilder(one)
  for (let i = 0; i < 40_000; i++) builder.add('malicious', 'sha256', digest(i), 0, `N${i % 3}`)
  builder.add('allowed', 'md5', digest('good').subarray(0, 16), 0, 'Good')
  builder.finish()
  const again = new HashDatabaseBuilder(join(folder, 'two'))
  const from = HashDatabase.open(one)
  from.each((kind, algorithm, bytes, at, name) => again.add(kind, algorithm, bytes, at, name))
  from.close()
  again.add('malicious', 'sha256', digest(1), 0, 'Other')
  again.finish()
  t.ok(readFileSync(join(folder, 'two')).length >= readFileSync(one).length)
  const two = HashDatabase.open(join(folder, 'two'), { check: true })
  let wrong = 0
  for (let i = 0; i < 40_000; i++) if (two.find('malicious', 'sha256', digest(i)) !== `N${i % 3}`) wrong++
  t.equal(wrong, 0, 'and the names that were there first stay')
  t.equal(two.find('allowed', 'md5', digest('good').subarray(0, 16)), 'Good')
  two.close()
})

t.test('any spoilt database is refused, or answers from what it checked', async (t) => {
  const folder = t.testdir()
  const target = join(folder, 'hashes')
  const builder = new HashDatabaseBuilder(target)
  for (let i = 0; i < 20; i++) builder.add('malicious', 'md5', digest(i).subarray(0, 16), 0, `N${i}`)
  builder.finish()
  const good = readFileSync(target)
  const spoilt = join(folder, 'spoilt')
  // Mostly the header, where offsets and lengths stand.
  const place = fc.oneof(fc.nat(700), fc.nat(good.length - 1))
  const changes = fc.array(fc.tuple(place, fc.uint8Array({ minLength: 1, maxLength: 6 })), {
    minLength: 1,
    maxLength: 4,
  })
  let opened = 0
  fc.assert(
    fc.property(changes, fc.option(fc.nat(good.length)), (edits, length) => {
      const bytes = Buffer.from(length === null ? good : good.subarray(0, length))
      for (const [at, put] of edits) if (at + put.length <= bytes.length) bytes.set(put, at)
      writeFileSync(spoilt, bytes)
      let database
      try {
        database = HashDatabase.open(spoilt)
      } catch (error) {
        return (error as { code?: string }).code === 'SCAN_HASH_LIST'
      }
      opened++
      try {
        for (let i = 0; i < 40; i++) database.find('malicious', 'md5', digest(i).subarray(0, 16))
      } catch (error) {
        return (error as { code?: string }).code === 'SCAN_HASH_LIST'
      } finally {
        database.close()
      }
      return true
    }),
    { numRuns: Number(process.env['PORTCULLIS_FUZZ_RUNS'] ?? 400) },
  )
  t.ok(opened >= 0)
})
