/**
 * What a pass over an unchanged tree costs the daemon, against bare walks that look at every file: `find` (C, one `lstat` a
 * file) and a few lines of Node (one `lstatSync` a file), in turns. Build first. Of the walks the whole process counts; of a
 * pass all of it, with the start of the process that walks. The first pass of all, which judges, is told apart.
 *
 * usage: npm run scanner:rescan -- [--turns N] [--passes N] [--json FILE] TREE
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { askDaemon } from '../../scanner/control/client.js'
import type { ScannerState } from '../../scanner/observation.js'
import { median, report, run } from './turns.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    turns: { type: 'string', default: '3' },
    passes: { type: 'string', default: '3' },
    json: { type: 'string' },
  },
})
if (positionals[0] === undefined) throw new Error('TREE is needed')
const tree = resolve(positionals[0])
const wanted = Number(values.passes)

const program = fileURLToPath(new URL('../../bin/portcullis', import.meta.url))
const data = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
const config = join(data, 'config.yaml')
writeFileSync(config, 'log:\n  level: error\nscanner:\n  interval_seconds: 0.2\n')

const NODE_WALK = `
  const { lstatSync, readdirSync } = require('node:fs')
  const pending = [process.argv[1]]
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    let entries = []
    try { entries = readdirSync(folder, { withFileTypes: true }) } catch {}
    for (const entry of entries) {
      const path = folder + '/' + entry.name
      if (entry.isDirectory()) pending.push(path)
      else if (entry.isFile()) lstatSync(path)
    }
  }`

/** The passes of one life of the daemon, without its first. */
async function passes(): Promise<{ seconds: number[]; first: number; files: number }> {
  const child = spawn(program, ['scanner', '--config', config, '--data', data, '--watch', tree], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const exited = once(child, 'exit')
  const all: number[] = []
  let ended = 0
  let files = 0
  while (all.length < wanted + 2) {
    if (child.exitCode !== null) throw new Error('the daemon ended')
    await pause(50)
    const state = (await askDaemon(join(data, 'scanner'), 'status')) as ScannerState | undefined
    const last = state?.watch.pass.last
    if (!last || last.ended === ended) continue
    ended = last.ended
    files = last.files
    all.push(last.seconds)
  }
  child.kill('SIGTERM')
  await exited
  // The second begins to watch what the first has met.
  return { seconds: all.slice(2), first: all[0] ?? 0, files }
}

const walks = { find: [] as number[], node: [] as number[] }
const ours: number[] = []
let judging: number | undefined
let files = 0
try {
  for (let turn = 0; turn < Number(values.turns); turn++) {
    const life = await passes()
    judging ??= life.first
    files = life.files
    ours.push(...life.seconds)
    for (let i = 0; i < wanted; i++) {
      walks.find.push((await run('find', [tree, '-type', 'f', '-printf', '%s\\n'])).wallSeconds)
      walks.node.push((await run(process.execPath, ['-e', NODE_WALK, tree])).wallSeconds)
    }
  }
} finally {
  rmSync(data, { recursive: true })
}

const rounded = (seconds: number): number => Math.round(seconds * 1000) / 1000
const pass = median(ours)
report(
  {
    tree,
    files,
    firstPassSeconds: rounded(judging ?? 0),
    passSeconds: rounded(pass),
    findSeconds: rounded(median(walks.find)),
    nodeWalkSeconds: rounded(median(walks.node)),
    timesFind: rounded(pass / median(walks.find)),
    timesNodeWalk: rounded(pass / median(walks.node)),
    all: { passes: ours.map(rounded), find: walks.find.map(rounded), node: walks.node.map(rounded) },
    machine: { processors: cpus().length, model: cpus()[0]?.model.trim(), load: loadavg()[0] },
  },
  values.json,
)
