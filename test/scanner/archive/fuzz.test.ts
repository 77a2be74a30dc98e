import { execFileSync } from 'node:child_process'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { EICAR } from '../sample-files.js'
import { email, overlappingBomb, rar4, rar5, sevenZip, tar, zip } from './build-archives.js'
import { byTools, packedBy } from './by-tools.js'
import { judge } from './judge-archive.js'

/** Runs for each kind; the whole search takes PORTCULLIS_FUZZ_RUNS=20000. */
const numRuns = Number(process.env['PORTCULLIS_FUZZ_RUNS'] ?? 300)
const by = (program: string, input: Buffer): Buffer => execFileSync(program, ['-c'], { input })
const words = Buffer.from('some words and some more. '.repeat(50))

const seeds: Record<string, Buffer> = {
  zip: zip([
    { name: 'a', content: EICAR },
    { name: 'b', content: words, descriptor: true },
    { name: 'c', content: words, method: 0 },
  ]),
  zip64: zip([{ name: 'a', content: words, wide: true }], { wideEnd: true }),
  overlapping: overlappingBomb(5, 1000),
  tar: await tar([
    { name: 'a', content: EICAR },
    { name: 'long'.repeat(40), content: words },
  ]),
  gzip: gzipSync(words),
  bzip2: by('bzip2', words),
  xz: by('xz', words),
  zstd: by('zstd', words),
  '7z': sevenZip('a', EICAR),
  rar5: rar5('a', EICAR),
  rar4: rar4('a', EICAR),
  cab: byTools['cab']!('a', words),
  cpio: byTools['cpio newc']!('a', words),
  lzma: packedBy('xz', '--format=lzma')(words),
  'xz sha256': packedBy('xz', '--check=sha256')(words),
  'zip lzma': byTools['zip lzma']!('a', words),
  email: email('a', zip([{ name: 'b', content: EICAR }]), 'quoted-printable'),
}

/** These start an instance of WebAssembly each time. */
const isSlow = (kind: string): boolean =>
  !/^(?:zip|zip64|overlapping|tar|gzip|bzip2|xz|zstd|email)$/.test(kind)

interface Change {
  readonly at: number
  readonly kind: 'set' | 'cut' | 'copy'
  readonly bytes: Uint8Array
}

/** Offsets as parts of the whole, so that each change can hit any place. */
const change = fc.record<Change>({
  at: fc.integer({ min: 0, max: 9999 }).map((part) => part / 10_000),
  kind: fc.constantFrom('set', 'cut', 'copy'),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
})

function apply(seed: Buffer, changes: readonly Change[]): Buffer {
  let content: Buffer = Buffer.from(seed)
  for (const { at, kind, bytes } of changes) {
    const offset = Math.floor(at * content.length)
    if (kind === 'set') content.set(bytes.subarray(0, Math.max(0, content.length - offset)), offset)
    else if (kind === 'cut')
      content = Buffer.concat([content.subarray(0, offset), content.subarray(offset + bytes.length)])
    else content = Buffer.concat([content.subarray(0, offset), bytes, content.subarray(offset)])
  }
  return content
}

for (const [kind, seed] of Object.entries(seeds))
  t.test(`a spoilt ${kind} archive has a verdict and nothing is thrown`, async (t) => {
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async (changes) => {
        const judged = await judge(apply(seed, changes), 'file', { max_seconds: 5 })
        if (judged.verdict === undefined) throw new Error('no verdict')
        const failed = judged.reasons.find(({ rule }) => rule === 'engine_failed')
        if (failed) throw new Error(failed.detail)
      }),
      { numRuns: isSlow(kind) ? Math.ceil(numRuns / 10) : numRuns },
    )
    t.pass()
  })
