/**
 * Our first pass over a tree against `clamdscan -m`, with the same signatures on both sides: digests and YARA rules that are
 * made here, since no data base of ClamAV's is fetched. clamd is given them as `.hsb` and `.yara`, and is started anew for each
 * turn, so that its list of clean files is empty. Archives are opened on both sides. Build first; needs clamav-daemon.
 *
 * usage: npm run scanner:clamd -- [--digests N] [--runs N] [--json FILE] TREE
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
  closeSync,
} from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { compare, ours, report, run, type Turn } from './turns.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    digests: { type: 'string', default: '1000000' },
    runs: { type: 'string', default: '3' },
    json: { type: 'string' },
  },
})
const [tree] = positionals
if (tree === undefined) throw new Error('TREE is needed')

const folder = mkdtempSync(join(tmpdir(), 'portcullis-clamd-'))
chmodSync(folder, 0o755)
const socket = join(folder, 'clamd.sock')
const rules = join(folder, 'rules.yar')
const list = join(folder, 'clamav', 'digests.hsb')
const database = join(folder, 'database.db')
mkdirSync(join(folder, 'clamav'))

const eachLine = (file: string, line: (digest: string) => string): void => {
  const descriptor = openSync(file, 'w')
  for (let left = Number(values.digests); left > 0; left -= 10_000)
    writeSync(
      descriptor,
      Array.from({ length: Math.min(left, 10_000) }, () => line(randomBytes(32).toString('hex'))).join(''),
    )
  closeSync(descriptor)
}

/** One rule for either side, so that YARA is asked at all. */
const RULE = 'rule Bench_Marker { strings: $a = "portcullis-bench-marker" condition: $a }\n'

eachLine(list, (digest) => `${digest}:*:Bench.Digest:73\n`)
for (const file of [rules, join(folder, 'clamav', 'rules.yara')]) writeFileSync(file, RULE)
const program = fileURLToPath(new URL('../../bin/portcullis', import.meta.url))
await run(program, ['hashes', 'import', '--output', database, list])
writeFileSync(
  join(folder, 'clamd.conf'),
  [
    `LocalSocket ${socket}`,
    `DatabaseDirectory ${join(folder, 'clamav')}`,
    'Foreground yes',
    'MaxThreads 2',
    `User ${userInfo().username}`,
    'FollowDirectorySymlinks no',
    'FollowFileSymlinks no',
    '',
  ].join('\n'),
)

async function theirTurn(tree: string): Promise<Turn> {
  const begun = performance.now()
  const clamd = spawn('clamd', ['-c', join(folder, 'clamd.conf')], { stdio: 'ignore' })
  try {
    while (!(await answers())) {
      if (clamd.exitCode !== null) throw new Error(`clamd ended with ${clamd.exitCode}`)
      await setTimeout(50)
    }
    const startSeconds = (performance.now() - begun) / 1000
    const turn = await run('clamdscan', ['-c', join(folder, 'clamd.conf'), '-m', '--fdpass', '--quiet', tree])
    return { ...turn, wallSeconds: turn.wallSeconds + startSeconds, startSeconds }
  } finally {
    if (clamd.exitCode === null) {
      clamd.kill('SIGKILL')
      await once(clamd, 'exit')
    }
    rmSync(socket, { force: true })
  }
}

/** Whether clamd has loaded its data base and serves. */
const answers = (): Promise<boolean> =>
  new Promise((resolve) => {
    const connection = createConnection(socket)
    connection.on('connect', () => connection.write('zPING\0'))
    connection.on('data', (data) => {
      resolve(data.toString().startsWith('PONG'))
      connection.destroy()
    })
    connection.on('error', () => resolve(false))
  })

try {
  const theirs: Turn[] = []
  const mine: Turn[] = []
  for (let turn = 0; turn < Number(values.runs); turn++) {
    theirs.push(await theirTurn(tree))
    mine.push(await ours(['--yara', rules, '--hashes', database], tree))
  }
  report({ tree, digests: Number(values.digests), ...compare(theirs, mine) }, values.json)
} finally {
  rmSync(folder, { recursive: true })
}
