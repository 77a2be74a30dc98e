import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  closeSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { readRegularFile } from '../../scanner/open-file.js'
import { isTruePlace, placeOf } from '../../scanner/true-place.js'

const SWAPS = Number(process.env.PORTCULLIS_TEST_SWAPS ?? 300)
const NOBODY = 65_534
const isRoot = process.geteuid?.() === 0

const read = (path: string): string => {
  const found = readRegularFile(Buffer.from(path), 1000)
  return found.kind === 'read' ? found.content.toString() : `${found.kind} ${found.rule}`
}

t.test('an open file is told from where it should lie', (t) => {
  const folder = t.testdir({ real: { file: 'x' } })
  const path = Buffer.from(join(folder, 'real', 'file'))
  const descriptor = openSync(path, 'r')
  t.ok(placeOf(descriptor).equals(path))
  t.ok(isTruePlace(path, placeOf(descriptor)))
  t.ok(isTruePlace(Buffer.from(`${folder}//./real/../real/file`), placeOf(descriptor)))
  t.notOk(isTruePlace(Buffer.from(join(folder, 'other')), placeOf(descriptor)))
  unlinkSync(path)
  t.ok(isTruePlace(path, placeOf(descriptor)), 'also once its name is gone')
  closeSync(descriptor)
  t.end()
})

t.test('a link above a file is followed only where nobody else can have put it', { skip: !isRoot }, (t) => {
  const base = mkdtempSync(join(tmpdir(), 'portcullis-test-'))
  t.teardown(() => rmSync(base, { recursive: true }))
  mkdirSync(join(base, 'real'))
  writeFileSync(join(base, 'real', 'file'), 'content')
  symlinkSync('real', join(base, 'ours'))
  t.equal(read(join(base, 'ours', 'file')), 'content', "the operator's own")
  symlinkSync(join(base, 'real'), join(base, 'theirs'))
  lchownSync(join(base, 'theirs'), NOBODY, NOBODY)
  t.equal(read(join(base, 'theirs', 'file')), 'error FOLDER_LINK', "somebody else's")
  mkdirSync(join(base, 'open'))
  symlinkSync(join(base, 'real'), join(base, 'open', 'link'))
  t.equal(read(join(base, 'open', 'link', 'file')), 'content')
  chmodSync(join(base, 'open'), 0o777)
  t.equal(read(join(base, 'open', 'link', 'file')), 'error FOLDER_LINK', 'where all may write')
  chmodSync(join(base, 'open'), 0o1777)
  t.equal(read(join(base, 'open', 'link', 'file')), 'content', 'where nobody may take it away')
  symlinkSync('loop', join(base, 'loop'))
  t.equal(read(join(base, 'loop', 'file')), 'skipped symbolic_link')
  t.end()
})

t.test('a folder that is swapped for a link leads nowhere else', async (t) => {
  const base = mkdtempSync(join(tmpdir(), 'portcullis-test-'))
  t.teardown(() => rmSync(base, { recursive: true }))
  chmodSync(base, 0o777)
  for (const name of ['folder', 'secret']) {
    mkdirSync(join(base, name))
    writeFileSync(join(base, name, 'file'), name)
  }
  const [folder, away, secret] = ['folder', 'away', 'secret'].map((name) => JSON.stringify(join(base, name)))
  const swap = `const fs = require('fs'); console.log('on')
    for (;;) { fs.renameSync(${folder}, ${away}); fs.symlinkSync(${secret}, ${folder})
               fs.unlinkSync(${folder}); fs.renameSync(${away}, ${folder}) }`
  const swapper = spawn(process.execPath, ['-e', swap], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(swapper.stdout, 'data')
  const seen = new Set<string>()
  for (let round = 0; round < SWAPS * 100 && (round < SWAPS || seen.size < 3); round++)
    seen.add(read(join(base, 'folder', 'file')))
  swapper.kill('SIGKILL')
  await once(swapper, 'exit')
  t.notOk(seen.has('secret'), [...seen].join())
  t.ok(seen.has('folder') && seen.has('error FOLDER_LINK'), [...seen].join())
})
