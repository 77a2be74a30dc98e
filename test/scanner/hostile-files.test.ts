import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { scannerConfig } from '../../scanner/config.js'
import { readRegularFile } from '../../scanner/open-file.js'
import { poolOptions } from '../../scanner/pool-options.js'
import { ScanPool } from '../../scanner/pool.js'
import { scanTree } from '../../scanner/scan-tree.js'
import type { FileResult } from '../../scanner/verdict.js'
import { walk } from '../../scanner/walk.js'
import { EICAR, sha256 } from './sample-files.js'

const pool = await ScanPool.start(poolOptions(scannerConfig.parse({ jobs: 2, model: false })))
t.teardown(() => pool.close())

const scan = async (path: string): Promise<FileResult[]> => {
  const results: FileResult[] = []
  await scanTree(pool, [path], {}, (result) => void results.push(result))
  return results
}
const verdicts = async (folder: string): Promise<object> =>
  Object.fromEntries(
    (await scan(folder)).map(({ path, verdict, reasons }) => [
      path.slice(folder.length + 1),
      [verdict, ...reasons.map(({ rule }) => rule)],
    ]),
  )

/** Looks while another process does something again and again. */
async function meanwhile(program: string, look: () => Promise<void>): Promise<void> {
  const endless = `const fs = require('fs')\nconsole.log('on')\nfor (;;) {${program}}`
  const child = spawn(process.execPath, ['-e', endless], { stdio: ['ignore', 'pipe', 'inherit'] })
  const gone = once(child, 'exit')
  try {
    await once(child.stdout, 'data')
    await look()
  } finally {
    child.kill('SIGKILL')
    await gone
  }
}

t.test('links are not followed, whatever they lead to', async (t) => {
  const folder = t.testdir({ folder: { file: 'x' } })
  symlinkSync('loop', join(folder, 'loop'))
  symlinkSync('two', join(folder, 'one'))
  symlinkSync('one', join(folder, 'two'))
  symlinkSync('..', join(folder, 'folder', 'up'))
  symlinkSync('/etc/passwd', join(folder, 'out'))
  const skipped = ['skipped', 'symbolic_link']
  t.strictSame(await verdicts(folder), {
    loop: skipped,
    one: skipped,
    two: skipped,
    'folder/up': skipped,
    out: skipped,
    'folder/file': ['clean'],
  })
})

t.test('a file that is swapped for a link is never read through it', async (t) => {
  const folder = t.testdir({ target: 'the target', file: 'the file' })
  const [file, spare, target] = ['file', 'spare', 'target'].map((name) => JSON.stringify(join(folder, name)))
  const seen = new Set<string>()
  await meanwhile(
    `fs.symlinkSync(${target}, ${spare}); fs.renameSync(${spare}, ${file});
     fs.writeFileSync(${spare}, 'the file'); fs.renameSync(${spare}, ${file})`,
    async () => {
      for (let round = 0; round < 3000 && seen.size < 2; round++) {
        const { verdict, reasons, sha256: digest } = await pool.judge(Buffer.from(join(folder, 'file')))
        seen.add([verdict, ...reasons.map(({ rule }) => rule), digest].join(' '))
      }
    },
  )
  t.strictSame([...seen].toSorted(), [`clean ${sha256('the file')}`, 'skipped symbolic_link '])
})

t.test('what is no regular file is skipped and blocks nothing', async (t) => {
  for (const [path, rule] of [
    ['/dev/null', 'device'],
    ['/dev/zero', 'device'],
  ] as const)
    t.match(await scan(path), [{ verdict: 'skipped', reasons: [{ engine: 'file', rule }] }])
  t.match(await pool.judge(Buffer.from('/dev/zero')), { verdict: 'skipped', reasons: [{ rule: 'device' }] })
})

t.test('a file of a tebibyte of nothing is skipped at once', async (t) => {
  const folder = t.testdir({ sparse: '' })
  truncateSync(join(folder, 'sparse'), 2 ** 40)
  t.match(await scan(folder), [
    { verdict: 'skipped', reasons: [{ engine: 'limit', rule: 'too_large', detail: /^1099511627776 bytes/ }] },
  ])
})

t.test('a file that grows while it is read is an error', async (t) => {
  const folder = t.testdir({ file: 'x'.repeat(8 * 1024 * 1024) })
  const path = JSON.stringify(join(folder, 'file'))
  const seen = new Set<string>()
  await meanwhile(
    `if (fs.statSync(${path}).size > 6e7) fs.truncateSync(${path}, 8e6); fs.appendFileSync(${path}, 'x')`,
    async () => {
      for (let round = 0; round < 500 && !seen.has('error CHANGED'); round++) {
        const { verdict, reasons } = await pool.judge(Buffer.from(join(folder, 'file')))
        seen.add([verdict, ...reasons.map(({ rule }) => rule)].join(' '))
      }
    },
  )
  t.ok(seen.has('error CHANGED'), [...seen].join())
})

t.test('what may not be read is an error', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-test-'))
  const isRoot = process.geteuid?.() === 0
  t.teardown(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'closed'))
  writeFileSync(join(folder, 'secret'), EICAR)
  chmodSync(folder, 0o755)
  chmodSync(join(folder, 'closed'), 0)
  chmodSync(join(folder, 'secret'), 0)
  // Nothing is closed to root, so that the test looks as nobody.
  if (isRoot) process.seteuid?.(65534)
  try {
    const met = []
    for await (const found of walk(Buffer.from(folder))) met.push(found)
    t.match(
      met.filter(({ kind }) => kind === 'error'),
      [{ path: Buffer.from(join(folder, 'closed')), reason: { rule: 'EACCES', level: 'error' } }],
    )
    t.match(readRegularFile(Buffer.from(join(folder, 'secret')), 1000), { kind: 'error', rule: 'EACCES' })
  } finally {
    if (isRoot) process.seteuid?.(0)
  }
})

t.test('every one of a hundred thousand files has its verdict', async (t) => {
  const count = Number(process.env['PORTCULLIS_MANY_FILES'] ?? 100_000)
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-test-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  // Names of few files: the scanner reads each all the same, and a test has not to write so many.
  const perFile = 10_000
  for (let index = 0; index < count; index++) {
    const path = join(folder, `${index}`)
    const first = index - (index % perFile)
    if (index === first) writeFileSync(path, index === 0 ? EICAR : 'x')
    else linkSync(join(folder, `${first}`), path)
  }
  const counts = new Map<string, number>()
  await scanTree(
    pool,
    [folder],
    {},
    ({ verdict }) => void counts.set(verdict, (counts.get(verdict) ?? 0) + 1),
  )
  t.strictSame(Object.fromEntries(counts), { malicious: perFile, clean: count - perFile })
})
