import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { EICAR, sampleFolder, sha256 } from '../scanner/sample-files.js'
import { BIN, portcullis, run, until, up } from './product.js'

interface Result {
  readonly path: string
  readonly verdict: string
  readonly reasons: readonly { readonly engine: string; readonly rule: string }[]
  readonly sha256?: string
}
interface Item {
  readonly id: string
  readonly path: string
  readonly sha256: string
}

const jsonLines = <T>(text: string): T[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)

const EXPECTED = {
  'eicar.com': 'malicious hash:EICAR-Test-File yara:EICAR_Test_File',
  'listed.bin': 'malicious hash:Listed.File',
  'sub/marked.txt': 'malicious yara:Marker',
  'sub/odd.txt': 'suspicious yara:Odd',
  'clean.txt': 'clean',
  empty: 'clean',
  dangling: 'skipped file:symbolic_link',
  pipe: 'skipped file:fifo',
}
const FOUND = ['eicar.com', 'listed.bin', 'sub/marked.txt', 'sub/odd.txt']

t.test('a folder with one of each', async (t) => {
  const { list, rules, tree } = sampleFolder(t.testdir())
  const flags = ['--jobs', '2', '--hashes', list, '--yara', rules]
  const scan = (...more: string[]) => portcullis(['scan', tree, ...flags, ...more])
  const below = (path: string): string => path.slice(tree.length + 1)

  await t.test('as JSON', async (t) => {
    const { code, stdout, stderr } = await scan('--json')
    t.equal(code, 1, 'something was found', { stderr })
    const results = jsonLines<Result>(stdout)
    t.strictSame(
      Object.fromEntries(
        results.map(({ path, verdict, reasons }) => [
          below(path),
          [verdict, ...reasons.map(({ engine, rule }) => `${engine}:${rule}`)].join(' '),
        ]),
      ),
      EXPECTED,
    )
    t.equal(results.find(({ path }) => path.endsWith('eicar.com'))?.sha256, sha256(EICAR))
    t.match(stderr, /^3 malicious, 1 suspicious, 2 clean, 0 errors, 2 skipped, 0 too large in /m)
  })

  await t.test('as text', async (t) => {
    const { code, stdout } = await scan()
    t.equal(code, 1)
    const lines = stdout.trimEnd().split('\n')
    t.equal(lines.length, Object.keys(EXPECTED).length)
    for (const [name, expected] of Object.entries(EXPECTED)) {
      const [verdict] = expected.split(' ')
      t.ok(
        lines.some((line) => line.startsWith(`${tree}/${name}: ${verdict}`)),
        `${name} is ${verdict}`,
      )
    }
  })

  await t.test('only what was found', async (t) => {
    const { code, stdout } = await scan('--infected')
    t.equal(code, 1)
    const names = stdout
      .trimEnd()
      .split('\n')
      .map((line) => below(line.replace(/: .*$/, '')))
    t.strictSame(names.sort(), [...FOUND].sort())
  })

  await t.test('exit codes', async (t) => {
    const clean = await portcullis(['scan', join(tree, 'clean.txt'), join(tree, 'pipe'), '--jobs', '1'])
    t.equal(clean.code, 0, 'it ends well', { stderr: clean.stderr })
    const missing = await portcullis(['scan', join(tree, 'nothing'), '--jobs', '1'])
    t.equal(missing.code, 2, 'errors only')
    const both = await portcullis(['scan', join(tree, 'nothing'), join(tree, 'eicar.com'), '--jobs', '1'])
    t.equal(both.code, 1, 'found, and errors')
  })
})

t.test('what is left out, and what is said about it', async (t) => {
  const folder = t.testdir()
  const { tree } = sampleFolder(folder)
  const scan = (...args: string[]) => portcullis(['scan', '--jobs', '1', ...args], { cwd: folder })

  await t.test('by pattern', async (t) => {
    const paths = async (...args: string[]) =>
      jsonLines<Result>((await scan(tree, '--json', ...args)).stdout)
        .map(({ path }) => path.slice(tree.length + 1))
        .sort()
    const all = Object.keys(EXPECTED).sort()
    t.strictSame(await paths(), all)
    t.strictSame(
      await paths('--exclude', 'sub'),
      all.filter((name) => !name.startsWith('sub/')),
    )
    t.strictSame(
      await paths('--exclude', '*.txt', '--exclude', `${tree}/**/eicar.*`),
      all.filter((name) => !name.endsWith('.txt') && name !== 'eicar.com'),
    )
  })

  await t.test('by size', async (t) => {
    const { code, stdout, stderr } = await scan(tree, '--json', '--max-size', '20')
    t.equal(code, 0, 'what was not looked at was not found')
    const eicar = jsonLines<Result>(stdout).find(({ path }) => path.endsWith('eicar.com'))
    t.match(eicar, { verdict: 'skipped', reasons: [{ engine: 'limit', rule: 'too_large' }] })
    t.match(stderr, /[1-9]\d* too large/)
    t.equal((await scan(tree, '--max-size', 'much')).code, 2)
  })

  await t.test('standard input', async (t) => {
    const found = await portcullis(['scan', '-', '--json', '--jobs', '1'], { input: EICAR })
    t.equal(found.code, 1)
    t.match(jsonLines<Result>(found.stdout), [{ path: 'stdin', verdict: 'malicious', sha256: sha256(EICAR) }])
    t.equal((await portcullis(['scan', '-', '--jobs', '1'], { input: 'harmless' })).code, 0)
    t.equal((await portcullis(['scan', '-', '--quarantine'], { input: EICAR })).code, 2)
  })

  await t.test('as a page', async (t) => {
    const file = join(folder, 'report.html')
    t.equal((await scan(tree, '--report', file)).code, 1)
    t.match(readFileSync(file, 'utf8'), /Scan report[^]*eicar\.com/)
    t.equal(statSync(file).mode & 0o777, 0o600)
    const nowhere = await scan(tree, '--report', join(folder, 'none', 'report.html'))
    t.match(nowhere.stderr, /^SCAN_REPORT: /m)
  })

  await t.test('on a terminal', async (t) => {
    const command = `${process.execPath} ${BIN} scan ${tree} --jobs 1`
    const { stdout } = await run('script', ['--quiet', '--return', '--command', command, '/dev/null'])
    t.match(stdout, /scanned \d+(?: of \d+)? files \| \d found/)
  })
})

t.test('into the vault and back', async (t) => {
  const folder = t.testdir()
  const { list, tree } = sampleFolder(folder)
  const data = join(folder, 'data')
  const eicar = join(tree, 'eicar.com')
  const listed = join(tree, 'listed.bin')
  chmodSync(eicar, 0o640)
  chmodSync(listed, 0o751)
  const times = statSync(listed)
  const flags = ['--jobs', '1', '--hashes', list, '--data', data]
  const scanned = await portcullis(['scan', tree, ...flags, '--quarantine'])
  t.equal(scanned.code, 1, 'something was found', { stderr: scanned.stderr })
  t.notOk(existsSync(eicar))
  t.notOk(existsSync(listed))
  t.ok(existsSync(join(tree, 'clean.txt')))
  t.ok(lstatSync(join(tree, 'dangling')).isSymbolicLink())
  t.ok(lstatSync(join(tree, 'pipe')).isFIFO())

  const vault = (...args: string[]) => portcullis(['quarantine', ...args, '--data', data])
  const items = jsonLines<Item>((await vault('list', '--json')).stdout)
  t.strictSame(
    items.map(({ path, sha256: digest }) => `${path} ${digest}`).sort(),
    [`${eicar} ${sha256(EICAR)}`, `${listed} ${sha256('a listed file')}`].sort(),
  )
  const idOf = (path: string): string => items.find((item) => item.path === path)?.id ?? ''
  t.match((await vault('list')).stdout, new RegExp(`^${idOf(eicar)} .*eicar\\.com`, 'm'))

  writeFileSync(listed, 'somebody else was faster')
  const taken = await vault('restore', idOf(listed))
  t.equal(taken.code, 1)
  t.match(taken.stderr, /^[A-Z_]+: /)
  t.equal(readFileSync(listed, 'utf8'), 'somebody else was faster', 'nothing is overwritten')
  renameSync(listed, `${listed}.other`)

  const restored = await vault('restore', idOf(listed))
  t.equal(restored.code, 0, 'it ends well', { stderr: restored.stderr })
  t.equal(readFileSync(listed, 'utf8'), 'a listed file')
  t.equal(statSync(listed).mode & 0o7777, 0o751)
  t.ok(Math.abs(statSync(listed).mtimeMs - times.mtimeMs) < 0.002, 'its time, to the microsecond')

  const deleted = await vault('delete', idOf(eicar))
  t.equal(deleted.code, 0, 'it ends well', { stderr: deleted.stderr })
  t.notOk(existsSync(eicar))
  t.equal((await vault('list', '--json')).stdout, '', 'the vault is empty')
  t.equal((await vault('restore', idOf(eicar))).code, 1, 'deleted is deleted')
})

t.test('a watched folder under `up`', async (t) => {
  const folder = t.testdir()
  const watched = join(folder, 'uploads')
  mkdirSync(watched)
  writeFileSync(join(watched, 'here-before.txt'), 'harmless')
  writeFileSync(
    join(folder, 'config.yaml'),
    `scanner:\n  jobs: 1\n  watch: [${watched}]\n  quarantine: true\n  interval_seconds: 0.2\n`,
  )
  const at = { cwd: folder }
  const product = await up(['--config', 'config.yaml', '--data', 'data'], at)
  t.teardown(() => product.stop('SIGKILL'))
  const bad = join(watched, 'invoice.com')
  writeFileSync(bad, EICAR)
  await until(() => !existsSync(bad))
  t.ok(existsSync(join(watched, 'here-before.txt')))
  const listed = await portcullis(['quarantine', 'list', '--json', '--data', 'data'], at)
  t.match(jsonLines<Item>(listed.stdout), [{ path: bad, sha256: sha256(EICAR) }])
  const incident = await until(async () => {
    const { stdout } = await portcullis(['incidents', 'list', '--json', '--data', 'data'], at)
    return jsonLines<{ id: string; title: string }>(stdout).find(({ title }) => title.includes('EICAR'))
  })
  const shown = await portcullis(['incidents', 'show', incident.id, '--data', 'data'], at)
  t.match(shown.stdout, /invoice\.com/)
  t.match(shown.stdout, /quarantined as /)
  const { entry } = (JSON.parse(shown.stdout) as { evidence: { entry: string }[] }).evidence[0] ?? {}
  const receipt = await portcullis(['ledger', 'receipt', String(entry), '--data', 'data', '--out', 'r'], at)
  t.equal(receipt.code, 0, 'the finding is an entry of the ledger', { stderr: receipt.stderr })
  t.equal((await product.stop()).code, 0)
})
