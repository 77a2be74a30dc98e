import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { constants, gunzipSync, gzipSync } from 'node:zlib'
import t from 'tap'
import { innerName } from '../../../scanner/archive/gzip.js'
import { EICAR } from '../sample-files.js'
import { email, rar4, rar5, tar, zip } from './build-archives.js'
import { byTools, packedBy } from './by-tools.js'
import { gzipQuine } from './gzip-quine.js'
import { judge, noise, said } from './judge-archive.js'

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
  t.match(judged.reasons.at(-1), {
    engine: 'limit',
    rule: 'max_reasons',
    level: 'note',
    count: 1800,
  })
})

t.test('the test file is found in every kind, encoding and nesting', async (t) => {
  type Wrap = (name: string, content: Buffer) => Promise<Buffer> | Buffer
  const compressed =
    (pack: (content: Buffer) => Buffer): Wrap =>
    (_, content) =>
      pack(content)
  const outer: Record<string, Wrap> = {
    zip: (name, content) => zip([{ name, content }]),
    'zip stored': (name, content) => zip([{ name, content, method: 0 }]),
    'zip streamed': (name, content) => zip([{ name, content, descriptor: true }]),
    jar: (name, content) =>
      zip([
        { name: 'META-INF/MANIFEST.MF', content: 'Manifest-Version: 1.0\n' },
        { name, content },
      ]),
    sfx: (name, content) => Buffer.concat([Buffer.from(`MZ ${randomUUID()}\0`), zip([{ name, content }])]),
    tar: (name, content) => tar([{ name, content }]),
    rar5,
    rar4,
    'mail base64': (name, content) => email(name, content),
    'mail quoted': (name, content) => email(name, content, 'quoted-printable'),
  }
  const inner: Record<string, Wrap> = {
    ...outer,
    ...byTools,
    gz: compressed((content) => gzipSync(content)),
    bz2: compressed(packedBy('bzip2')),
    xz: compressed(packedBy('xz')),
    'xz sha256': compressed(packedBy('xz', '--check=sha256')),
    'xz x86': compressed(packedBy('xz', '--x86', '--lzma2')),
    'xz delta': compressed(packedBy('xz', '--delta=dist=4', '--lzma2')),
    lzma: compressed(packedBy('xz', '--format=lzma')),
    zst: compressed(packedBy('zstd', '-q')),
  }
  const isNameless = (kind: string): boolean => /^(?:gz|bz2|xz|lzma|zst)/.test(kind)
  const eicar = Buffer.from(EICAR)
  let count = 0
  for (const [innerKind, wrapInner] of Object.entries(inner)) {
    const once = await wrapInner('eicar.com', eicar)
    const nameOf = (file: string): string => (isNameless(innerKind) ? innerName(file) : 'eicar.com')
    t.strictSame(said(await judge(once)), ['malicious', `EICAR in ${nameOf('file')}`], innerKind)
    for (const [outerKind, wrapOuter] of Object.entries(outer)) {
      const twice = await wrapOuter('inner', once)
      t.strictSame(
        said(await judge(twice)),
        [
          'malicious',
          `EICAR in inner!${nameOf('inner')}`,
          // A zip archive that is the last thing in a file is also one that is appended to it.
          ...(outerKind.startsWith('rar') && /^(?:zip|jar|sfx)/.test(innerKind)
            ? ['EICAR in eicar.com']
            : []),
        ],
        `${innerKind} in ${outerKind}`,
      )
      count++
    }
    const packed = gzipSync(await outer['tar']!('inner', once))
    t.strictSame(
      said(await judge(packed, 'a.tar.gz')),
      ['malicious', `EICAR in a.tar!inner!${nameOf('inner')}`],
      `${innerKind} in tar in gz`,
    )
  }
  t.equal(count, Object.keys(inner).length * Object.keys(outer).length)
})

t.test('a password is told, in every kind that knows one', async (t) => {
  const folder = t.testdir({ secret: EICAR })
  for (const options of [['-t7z'], ['-t7z', '-mhe=on'], ['-tzip'], ['-tzip', '-mem=AES256']]) {
    const archive = join(folder, 'archive')
    rmSync(archive, { force: true })
    execFileSync('7zz', ['a', '-ppassword', ...options, `${archive}.`, 'secret'], {
      cwd: folder,
      stdio: 'ignore',
    })
    t.match(said(await judge(readFileSync(archive))), ['skipped', /^encrypted_member/], options.join(' '))
  }
})

t.test('a decoder that takes too long is ended in the middle, and what it gave is judged', async (t) => {
  const long = Buffer.concat([Buffer.from('start'), noise(24 * MiB)])
  const ways: Record<string, Buffer> = {
    bz2: packedBy('bzip2', '-1')(long),
    xz: packedBy('xz', '-0')(long),
    zst: packedBy('zstd', '-q')(long),
    '7z': byTools['7z bzip2']!('long', long),
  }
  for (const [kind, content] of Object.entries(ways)) {
    const judged = await judge(content, 'file', { max_seconds: 0.05 })
    t.equal(judged.verdict, 'error', kind)
    t.ok(
      judged.reasons.some(({ rule }) => rule === 'max_time'),
      kind,
    )
  }
})

t.test('archives that unpack to themselves, within others, end at a limit', async (t) => {
  const quine = gzipQuine()
  const twice = zip([
    { name: 'a', content: quine, method: 0 },
    { name: 'b', content: quine, method: 0 },
    { name: 'eicar.com', content: EICAR },
  ])
  const judged = await judge(twice)
  t.equal(judged.verdict, 'malicious')
  t.strictSame(
    judged.reasons.filter(({ rule }) => rule === 'max_depth').map(({ member }) => member?.slice(0, 6)),
    ['a!self', 'b!self'],
  )
})
