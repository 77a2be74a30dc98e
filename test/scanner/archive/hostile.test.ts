import { randomUUID } from 'node:crypto'
import { constants, gunzipSync, gzipSync } from 'node:zlib'
import t from 'tap'
import { EICAR } from '../sample-files.js'
import { sevenZip, tar, zip } from './build-archives.js'
import { gzipQuine } from './gzip-quine.js'
import { judge, said } from './judge-archive.js'

const MiB = 1024 * 1024
const nest = (content: Buffer, times: number, wrap: (content: Buffer) => Buffer): Buffer => {
  for (let level = 0; level < times; level++) content = wrap(content)
  return content
}

t.test('a bomb of archives in archives is a verdict within seconds', async (t) => {
  // As 42.zip is: many copies on each of many levels, 16^5 times 256 MiB in a few kilobytes.
  let level = zip([{ name: 'zeros', content: Buffer.alloc(256 * MiB) }])
  for (let depth = 0; depth < 5; depth++) {
    const members = Array.from({ length: 16 }, (_, index) => ({ name: `${index}.zip`, content: level }))
    level = zip(members)
  }
  t.ok(level.length < 300_000, `${level.length} bytes`)
  const judged = await judge(level)
  t.equal(judged.verdict, 'suspicious')
  t.ok(judged.reasons.every(({ rule }) => rule === 'max_ratio'))
})

t.test('an archive that is nested too deep is told, and what is found before is found', async (t) => {
  const wrap = (content: Buffer): Buffer => zip([{ name: 'z', content, method: 0 }])
  const eicar = zip([{ name: 'eicar.com', content: EICAR }])
  t.match(said(await judge(nest(eicar, 15, wrap))), ['malicious'])
  t.strictSame(said(await judge(nest(eicar, 16, wrap))), [
    'suspicious',
    `max_depth in ${Array.from({ length: 16 }, () => 'z').join('!')}`,
  ])
  t.match(said(await judge(nest(Buffer.from(EICAR), 3, gzipSync), 'f', { max_depth: 3 })), ['malicious'])
  t.match(said(await judge(nest(Buffer.from(EICAR), 4, gzipSync), 'f', { max_depth: 3 })), ['suspicious'])
})

t.test('an archive that unpacks to itself ends at a limit', async (t) => {
  const quine = gzipQuine()
  t.ok(gunzipSync(quine.subarray(0, -8), { finishFlush: constants.Z_SYNC_FLUSH }).equals(quine))
  t.strictSame(said(await judge(quine)), [
    'suspicious',
    `max_depth in ${Array.from({ length: 16 }, () => 'self').join('!')}`,
  ])
})

t.test('each limit has its name and its verdict', async (t) => {
  const many = zip(
    Array.from({ length: 20 }, (_, index) => ({ name: `${index}`, content: `member ${index}` })),
  )
  t.strictSame(said(await judge(many, 'f', { max_members: 10 })), ['skipped', 'max_members'])
  const large = zip([{ name: 'large', content: 'words '.repeat(999) }])
  t.strictSame(said(await judge(large, 'f', { max_member_size: 100 })), [
    'skipped',
    'max_member_size in large',
  ])
  t.strictSame(said(await judge(large, 'f', { max_total_size: 100 })), ['skipped', 'max_total_size'])
  t.strictSame(said(await judge(large, 'f', { max_seconds: Number.MIN_VALUE })), ['error', 'max_time'])
  const late = zip([
    { name: 'eicar.com', content: EICAR },
    { name: 'large', content: 'words '.repeat(999) },
  ])
  t.strictSame(said(await judge(late, 'f', { max_total_size: 100 })), [
    'malicious',
    'EICAR in eicar.com',
    'max_total_size',
  ])
})

t.test('two thousand findings are one short answer', async (t) => {
  const members = Array.from({ length: 2000 }, (_, index) => ({ name: `${index}`, content: EICAR }))
  const judged = await judge(zip(members))
  t.equal(judged.verdict, 'malicious')
  t.equal(judged.reasons.length, 201)
  t.match(judged.reasons.at(-1), { engine: 'limit', rule: 'max_reasons', level: 'note' })
})

t.test('the test file is found in every kind within every kind', async (t) => {
  const kinds: Record<string, (name: string, content: Buffer) => Promise<Buffer> | Buffer> = {
    zip: (name, content) => zip([{ name, content }]),
    stored: (name, content) => zip([{ name, content, method: 0 }]),
    jar: (name, content) =>
      zip([
        { name: 'META-INF/MANIFEST.MF', content: 'Manifest-Version: 1.0\n' },
        { name, content },
      ]),
    tar: (name, content) => tar([{ name, content }]),
    gz: (_, content) => gzipSync(content),
    sfx: (name, content) => Buffer.concat([Buffer.from(`MZ ${randomUUID()}\0`), zip([{ name, content }])]),
  }
  const leaves: [string, Buffer][] = [
    ['plain', Buffer.from(EICAR)],
    ['7z', sevenZip('eicar.com', EICAR)],
  ]
  for (const [leaf, content] of leaves)
    for (const [outer, wrapOuter] of Object.entries(kinds))
      for (const [inner, wrapInner] of Object.entries(kinds)) {
        const judged = await judge(await wrapOuter('inner', await wrapInner('leaf', content)))
        t.equal(judged.verdict, 'malicious', `${outer} ${inner} ${leaf}`)
        t.equal(judged.reasons.length, 1)
      }
})
