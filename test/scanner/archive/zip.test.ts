import { gzipSync } from 'node:zlib'
import t from 'tap'
import { readDirectory } from '../../../scanner/archive/zip-directory.js'
import { growth } from '../../proofs/random.js'
import { EICAR } from '../sample-files.js'
import { endRecord, overlappingBomb, zip, type ZipMember } from './build-archives.js'
import { judge, noise, said } from './judge-archive.js'

const eicar: ZipMember = { name: 'eicar.com', content: EICAR }
const other: ZipMember = { name: 'a/readme.txt', content: 'nothing to see. '.repeat(99) }
const found = ['malicious', 'EICAR in eicar.com']

t.test('a member is found however its archive is written', async (t) => {
  const ways: Record<string, Buffer> = {
    deflated: zip([other, eicar]),
    stored: zip([other, { ...eicar, method: 0 }, other]),
    descriptors: zip([
      { ...other, descriptor: true },
      { ...eicar, descriptor: true },
    ]),
    'stored with a descriptor': zip([other, { ...eicar, method: 0, descriptor: true }, other]),
    zip64: zip([other, { ...eicar, wide: true }, other], { wideEnd: true }),
    'zip64, stored': zip([{ ...eicar, method: 0, wide: true }, other]),
    'a comment': zip([eicar], { comment: 'a comment' }),
    'a comment that looks like an empty archive': zip([eicar], {
      comment: endRecord(0, 0, 0).toString('latin1'),
    }),
    'a folder': zip([{ name: 'folder/', content: '', method: 0 }, eicar]),
  }
  for (const [way, content] of Object.entries(ways)) t.strictSame(said(await judge(content)), found, way)
})

t.test('a member is found where readers of archives disagree', async (t) => {
  const lies: Record<string, Buffer> = {
    'not in the directory': zip([other, { ...eicar, listed: false }]),
    'encrypted by the local header only': zip([{ ...eicar, flags: 1, listed: { flags: 0 } }]),
    'encrypted by the directory only': zip([{ ...eicar, listed: { flags: 1 } }]),
    'deflated by the directory only': zip([{ ...eicar, method: 0, listed: { method: 8 } }]),
    'deflated by the local header only': zip([{ ...eicar, listed: { method: 0 } }]),
    'of an unknown method by the local header only': zip([{ ...eicar, method: 777, listed: { method: 0 } }]),
  }
  for (const [lie, content] of Object.entries(lies)) t.strictSame(said(await judge(content)), found, lie)
})

t.test('an archive behind another content is opened', async (t) => {
  const fronts = [noise(5000), Buffer.from('#!/bin/sh\nexit\n'), Buffer.from('MZ' + '\0'.repeat(5000))]
  for (const front of fronts)
    t.strictSame(said(await judge(Buffer.concat([front, zip([other, eicar])]))), found)
  const compressed = gzipSync('a text')
  t.strictSame(said(await judge(Buffer.concat([compressed, zip([eicar])]))), found)
})

t.test('what is left of a damaged archive is judged, and the damage said', async (t) => {
  const whole = zip([eicar, { name: 'noise', content: noise(5000) }])
  t.strictSame(said(await judge(whole.subarray(0, 3000))), [
    'malicious',
    'EICAR in eicar.com',
    'damaged_archive',
  ])
  t.strictSame(said(await judge(zip([other]).subarray(0, -1))), ['error', 'damaged_archive'])
  const spoilt = zip([{ name: 'words', content: noise(5000).toString('base64') }])
  // No block of a deflate stream has this type.
  spoilt[35] = 0x07
  t.strictSame(said(await judge(spoilt)), ['error', 'damaged_archive in words'])
  const lost = zip([other, eicar])
  lost.write('XX', lost.lastIndexOf('PK\x03\x04', -1, 'latin1'), 'latin1')
  t.strictSame(said(await judge(lost)), ['error', 'damaged_archive in eicar.com'])
})

t.test('what cannot be looked at is never clean', async (t) => {
  const secret = { name: 'secret', content: noise(99), flags: 1, method: 0 }
  t.strictSame(said(await judge(zip([other, secret, { ...secret, name: 'more' }]))), [
    'skipped',
    'encrypted_member in secret',
  ])
  t.strictSame(said(await judge(zip([{ ...secret, flags: 0, method: 97 }]))), [
    'error',
    'unsupported_method in secret',
  ])
  t.strictSame(said(await judge(zip([secret, eicar]))), [
    'malicious',
    'EICAR in eicar.com',
    'encrypted_member in secret',
  ])
})

t.test('members that share their packed bytes are a bomb', async (t) => {
  const bomb = overlappingBomb(250, 8 * 1024 * 1024)
  t.ok(bomb.length < 50_000)
  const start = performance.now()
  const judged = await judge(bomb)
  t.comment(`${bomb.length} bytes in ${performance.now() - start} ms`)
  t.equal(judged.verdict, 'suspicious')
  const rules = new Set(judged.reasons.map(({ rule, member }) => (member?.includes('!') ? '' : rule)))
  t.ok(rules.has('overlapping_members') && rules.has('max_ratio'))
})

t.test('names are only told, without what steers a terminal', async (t) => {
  const names = ['../../etc/cron.d/x', '/etc/passwd', 'C:\\x', 'a\u001b[2Jb\u202e', 'x'.repeat(60_000)]
  const judged = await judge(zip(names.map((name) => ({ name, content: EICAR }))))
  t.strictSame(
    judged.reasons.map(({ member }) => member),
    ['../../etc/cron.d/x', '/etc/passwd', 'C:\\x', 'a\ufffd[2Jb\ufffd', 'x'.repeat(512)],
  )
})

t.test('an empty archive is clean', async (t) => {
  t.strictSame(said(await judge(endRecord(0, 0, 0))), ['clean'])
})

t.test('reading a directory takes time in proportion to its length', async (t) => {
  const flood = (size: number): Buffer => Buffer.alloc(size, endRecord(0xffff, 0xffffffff, 0, 'PK'))
  const listing = (size: number): Buffer =>
    zip(Array.from({ length: size / 64 }, (_, index) => ({ name: `${index}`, content: '', method: 0 })))
  for (const make of [flood, listing])
    t.ok(
      growth((size) => {
        const content = make(size)
        return () => readDirectory(content, 1_000_000)
      }, 16_000) < 9,
    )
})
