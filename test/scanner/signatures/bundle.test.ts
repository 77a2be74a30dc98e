import fc from 'fast-check'
import t from 'tap'
import {
  buildBundle,
  isPublicKeyText,
  openBundle,
  parsePublicKey,
} from '../../../scanner/signatures/bundle.js'
import { publisher, sampleBundle } from './sample-bundles.js'

const REFUSED = /^SIGNATURES_(?:REFUSED|UNTRUSTED)$/

t.test('a bundle comes out as it went in', async (t) => {
  const { privateKey, keys } = publisher()
  const { manifest, files } = openBundle(sampleBundle(privateKey, 7), keys)
  t.equal(manifest.version, 7)
  t.equal(files.length, 21)
  t.equal(Buffer.from(files[0]?.content ?? []).toString(), '{"version":7}')
})

t.test('only trusted keys count', async (t) => {
  const [one, other] = [publisher(), publisher()]
  const bytes = sampleBundle(one.privateKey, 1)
  t.throws(() => openBundle(bytes, other.keys), { code: 'SIGNATURES_UNTRUSTED' })
  t.throws(() => openBundle(bytes, []), { code: 'SIGNATURES_UNTRUSTED' })
  t.ok(openBundle(bytes, [...other.keys, ...one.keys]))
  t.ok(isPublicKeyText(one.text))
  for (const text of ['', 'ed25519:', `${one.text}x`, 'ed25519:' + 'A'.repeat(44)]) {
    t.notOk(isPublicKeyText(text))
    t.throws(() => parsePublicKey(text), { code: 'SIGNATURES_KEY' })
  }
})

t.test('a changed, missing or added byte anywhere is noticed', async (t) => {
  const { privateKey, keys } = publisher()
  const good = sampleBundle(privateKey, 1, 1)
  const opens = (bytes: Buffer): boolean => {
    try {
      openBundle(bytes, keys)
      return true
    } catch (error) {
      if (!REFUSED.test((error as { code: string }).code)) throw error
      return false
    }
  }
  t.ok(opens(good))
  for (let at = 0; at < good.length; at++) {
    const bad = Buffer.from(good)
    bad.writeUInt8((bad[at] ?? 0) ^ (1 << (at % 8)), at)
    if (opens(bad) || opens(good.subarray(0, at))) t.fail(`byte ${at}`)
  }
  t.notOk(opens(Buffer.concat([good, Buffer.from('x')])))
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => !opens(Buffer.from(bytes))))
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      (bytes) => !opens(Buffer.concat([Buffer.from('PCSB1\n'), bytes])),
    ),
  )
})

t.test('no name leads out of its folder', async (t) => {
  const { privateKey: key } = publisher()
  const made = (...paths: string[]) =>
    buildBundle(
      paths.map((path) => ({ path, content: Buffer.from('x') })),
      { version: 1, created: new Date(), key },
    )
  for (const path of [
    '../x.yar',
    'yara/../../x.yar',
    '/etc/x.txt',
    'yara/sub/x.yar',
    'hashes/.txt',
    'yara/x.yar\0',
    'x',
  ])
    t.throws(() => made(path), { code: 'SIGNATURES_REFUSED' }, path)
  t.throws(() => made('yara/a.yar', 'yara/A.yar'), { code: 'SIGNATURES_REFUSED' }, 'the same on some disks')
  t.throws(() => made(), { code: 'SIGNATURES_REFUSED' })
})
