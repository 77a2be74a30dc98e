import { execFileSync } from 'node:child_process'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { EICAR } from '../sample-files.js'
import { tar, zip } from './build-archives.js'
import { judge, said } from './judge-archive.js'

const found = ['malicious', 'EICAR in eicar.com']

t.test('a member is found in each dialect', async (t) => {
  const folder = t.testdir({ 'eicar.com': EICAR, ['long'.repeat(50)]: 'x' })
  for (const format of ['ustar', 'gnu', 'posix', 'oldgnu', 'v7']) {
    const args = [`--format=${format}`, '-C', folder, '-cf', '-', 'eicar.com']
    const archive = execFileSync('tar', args)
    t.strictSame(said(await judge(archive)), found, format)
  }
  const long = execFileSync('tar', ['--format=gnu', '-C', folder, '-cf', '-', 'long'.repeat(50), 'eicar.com'])
  t.strictSame(said(await judge(long)), found, 'behind a long name')
})

t.test('links, devices and folders hold nothing', async (t) => {
  const archive = await tar([
    { name: 'loop', header: { type: 'symlink', linkname: 'loop' } },
    { name: '../up', header: { type: 'link', linkname: '/etc/passwd' } },
    { name: 'null', header: { type: 'character-device', devmajor: 1, devminor: 3 } },
    { name: 'folder/', header: { type: 'directory' } },
    { name: 'eicar.com', content: EICAR },
  ])
  t.strictSame(said(await judge(archive)), found)
})

t.test('archives one behind another are both read', async (t) => {
  const first = await tar([{ name: 'first', content: 'x'.repeat(1000) }])
  const second = await tar([{ name: 'eicar.com', content: EICAR }])
  t.strictSame(said(await judge(Buffer.concat([first, second]))), found)
})

t.test('what is left of a damaged archive is judged, and the damage said', async (t) => {
  const archive = await tar([
    { name: 'eicar.com', content: EICAR },
    { name: 'large', content: 'x'.repeat(5000) },
  ])
  t.strictSame(said(await judge(archive.subarray(0, 3000))), [
    'malicious',
    'EICAR in eicar.com',
    'damaged_archive in large',
  ])
  archive.fill('x', 1024, 1500)
  t.match(said(await judge(archive)), ['malicious', 'EICAR in eicar.com', 'damaged_archive'])
})

t.test('reading goes on behind damage', async (t) => {
  const first = await tar([{ name: 'first', content: 'x'.repeat(1000) }])
  const second = await tar([{ name: 'eicar.com', content: EICAR }])
  first.fill('x', 148, 156)
  t.strictSame(said(await judge(Buffer.concat([second.subarray(0, 1024), first, second]))), [
    'malicious',
    'EICAR in eicar.com',
    'EICAR in eicar.com',
    'damaged_archive',
  ])
})

t.test('a link that states a size hides nothing', async (t) => {
  const link = await tar([{ name: 'link', header: { type: 'link', linkname: 'x', size: 0 } }])
  const header = Buffer.from(link.subarray(0, 512))
  header.write('00000002000\0', 124)
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  const behind = await tar([{ name: 'eicar.com', content: EICAR }])
  t.strictSame(said(await judge(Buffer.concat([header, behind]))), found)
})

t.test('members in members have their whole way as name', async (t) => {
  const inner = await tar([{ name: 'eicar.com', content: EICAR }])
  const zipped = zip([{ name: 'inner.tar.gz', content: gzipSync(inner) }])
  t.strictSame(said(await judge(await tar([{ name: 'a/outer.zip', content: zipped }]))), [
    'malicious',
    'EICAR in a/outer.zip!inner.tar.gz!inner.tar!eicar.com',
  ])
})
