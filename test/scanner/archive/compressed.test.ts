import { execFileSync } from 'node:child_process'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { EICAR } from '../sample-files.js'
import { rar4Of, rar5, rar5Block, sevenZip, tar, zip } from './build-archives.js'
import { judge, said } from './judge-archive.js'

const MiB = 1024 * 1024
const by =
  (program: string, ...args: string[]) =>
  (input: string | Buffer): Buffer =>
    execFileSync(program, ['-c', ...args], { input, maxBuffer: 64 * MiB })

/** Each way to compress one content, and the method that zip has for it. */
const ways: Record<string, { readonly pack: (input: string | Buffer) => Buffer; readonly method?: number }> =
  {
    gz: { pack: (input) => gzipSync(input) },
    bz2: { pack: by('bzip2'), method: 12 },
    xz: { pack: by('xz'), method: 95 },
    zst: { pack: by('zstd', '-q'), method: 93 },
  }

for (const [suffix, { pack, method }] of Object.entries(ways))
  t.test(`${suffix} is opened`, async (t) => {
    const inside = await tar([{ name: 'eicar.com', content: EICAR }])
    t.strictSame(said(await judge(pack(EICAR), `eicar.com.${suffix}`)), ['malicious', 'EICAR in eicar.com'])
    t.strictSame(
      said(await judge(Buffer.concat([pack(EICAR.slice(0, 9)), pack(EICAR.slice(9))]))),
      ['malicious', 'EICAR in content'],
      'streams one behind another',
    )
    t.strictSame(said(await judge(pack(inside), `a.tar.${suffix}`)), [
      'malicious',
      'EICAR in a.tar!eicar.com',
    ])
    t.strictSame(said(await judge(pack(pack(EICAR)))), ['malicious', 'EICAR in content!content'])
    if (method !== undefined) {
      // The packed bytes as they stand, under the method's number.
      const zipped = zip([{ name: 'eicar.com', content: pack(EICAR), method }])
      t.strictSame(said(await judge(zipped)), ['malicious', 'EICAR in eicar.com'], 'in zip')
    }
    const large = pack(Buffer.alloc(20 * MiB))
    t.match(said(await judge(large)), ['suspicious', 'max_ratio in content'])
    t.match(said(await judge(pack(Buffer.alloc(2 * MiB)), 'file', { max_member_size: MiB })), [
      'skipped',
      'max_member_size in content',
    ])
    const [first, ...others] = said(await judge(pack('words '.repeat(999)).subarray(0, -9)))
    t.equal(first, 'error', 'cut short')
    t.ok(others.some((reason) => reason.startsWith('damaged_archive')))
  })

t.test('7z is opened', async (t) => {
  const archive = sevenZip('eicar.com', EICAR)
  t.strictSame(said(await judge(archive)), ['malicious', 'EICAR in eicar.com'])
  t.strictSame(said(await judge(zip([{ name: 'a.7z', content: archive }]))), [
    'malicious',
    'EICAR in a.7z!eicar.com',
  ])
  t.match(said(await judge(archive.subarray(0, -9))), ['error', 'damaged_archive'])
})

t.test('RAR 5 is opened where its members are compressed', async (t) => {
  const archive = rar5('eicar.com', EICAR, 3, rar5Block(EICAR))
  t.strictSame(said(await judge(archive)), ['malicious', 'EICAR in eicar.com'])
  t.strictSame(said(await judge(zip([{ name: 'a.rar', content: archive }]))), [
    'malicious',
    'EICAR in a.rar!eicar.com',
  ])
  const other = rar5('eicar.com', EICAR, 3, rar5Block('harmless'.repeat(9)))
  t.match(said(await judge(other)), ['error', /^damaged_archive/], 'of another length than it says')
})

t.test('RAR: what cannot be unpacked is an error, and hides nothing behind it', async (t) => {
  for (const method of [1, 5, 7])
    t.match(
      said(await judge(rar5('a', EICAR, method))),
      ['error', /^damaged_archive/],
      `RAR 5, method ${method}`,
    )
  for (const method of [0x2f, 0x33, 0x39]) {
    const broken = { name: 'a', content: EICAR, method }
    t.match(said(await judge(rar4Of([broken]))), ['error', /^damaged_archive/], `RAR 4, method ${method}`)
    const behind = rar4Of([broken, { name: 'b', content: 'harmless' }])
    t.match(
      said(await judge(behind)),
      ['error', /^damaged_archive/],
      `RAR 4, method ${method}, another behind`,
    )
  }
})
