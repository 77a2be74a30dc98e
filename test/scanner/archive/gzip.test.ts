import { gzipSync } from 'node:zlib'
import t from 'tap'
import { EICAR } from '../sample-files.js'
import { innerName } from '../../../scanner/archive/gzip.js'
import { judge, said } from './judge-archive.js'

const withHeader = (flags: number, fields: Buffer): Buffer => {
  const plain = gzipSync(EICAR)
  const header = Buffer.from(plain.subarray(0, 10))
  header[3] = flags
  return Buffer.concat([header, fields, plain.subarray(10)])
}

t.test('a compressed file is found under its name', async (t) => {
  t.strictSame(said(await judge(gzipSync(EICAR), 'eicar.com.gz')), ['malicious', 'EICAR in eicar.com'])
  t.strictSame(said(await judge(gzipSync(EICAR), 'odd')), ['malicious', 'EICAR in content'])
  const fields = Buffer.from('\x03\0abcstored.com\0a comment\0xx', 'latin1')
  t.strictSame(said(await judge(withHeader(0x1e, fields))), ['malicious', 'EICAR in stored.com'])
  t.strictSame(said(await judge(withHeader(0x08, Buffer.from('\0')), 'a.gz')), ['malicious', 'EICAR in a'])
})

t.test('members are one content, and what follows them is none of it', async (t) => {
  const parts = [gzipSync(EICAR.slice(0, 30)), gzipSync(''), gzipSync(EICAR.slice(30))]
  for (const behind of ['', '\0\0\0\0', 'garbage', '\x1f'])
    t.strictSame(
      said(await judge(Buffer.concat([...parts, Buffer.from(behind, 'latin1')]))),
      ['malicious', 'EICAR in content'],
      JSON.stringify(behind),
    )
})

t.test('what is left of a damaged file is judged, and the damage said', async (t) => {
  const half = gzipSync(EICAR + ' '.repeat(9999)).subarray(0, 90)
  t.match(said(await judge(half)), ['malicious', 'EICAR in content', 'damaged_archive in content'])
  t.strictSame(said(await judge(Buffer.from('1f8b', 'hex'))), ['error', 'damaged_archive'])
  t.strictSame(said(await judge(withHeader(0x04, Buffer.from([0xff, 0xff])))), [
    'error',
    'damaged_archive in content',
  ])
})

t.test('a bomb is a verdict and takes no more memory than its limit', async (t) => {
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024))
  t.strictSame(said(await judge(bomb)), ['suspicious', 'max_ratio in content'])
  t.strictSame(said(await judge(gzipSync(bomb))), ['suspicious', 'max_ratio in content!content'])
})

t.test('names lose their suffix', async (t) => {
  t.strictSame(['a.tar.gz', 'b.TGZ', 'c.xz', 'd.txz', '.gz', 'e'].map(innerName), [
    'a.tar',
    'b.tar',
    'c',
    'd.tar',
    'content',
    'content',
  ])
})
