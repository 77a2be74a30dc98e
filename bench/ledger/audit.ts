/**
 * How long an offline audit of a whole log of sealed actions takes, on one core.
 *
 * usage: npm run audit -- [--actions N] [--batch N] [--json FILE]
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { formatAction } from '../../proofs/action.js'
import { signCheckpoint } from '../../proofs/checkpoint.js'
import { CompactRange } from '../../proofs/compact-range.js'
import { generateSeed } from '../../proofs/ed25519.js'
import { leafHash } from '../../proofs/hashing.js'
import { encodeVkey, noteSigner } from '../../proofs/note-key.js'
import { sealBatch } from '../../proofs/seal.js'
import { encodeEntryBundle, hashTiles, TILE_WIDTH, tilePath } from '../../proofs/tile.js'
import { uuidv7 } from '../../runtime/uuid.js'

const { values } = parseArgs({
  options: {
    actions: { type: 'string', default: '1000000' },
    batch: { type: 'string', default: '50' },
    json: { type: 'string' },
  },
})
const actions = Number(values.actions)
const perBatch = Number(values.batch)
if (!(actions >= 1) || !(perBatch >= 1)) throw new Error('--actions and --batch are numbers above 0')

const PORTCULLIS = fileURLToPath(new URL('../../bin/portcullis', import.meta.url))
const agent = noteSigner('bench', generateSeed())
const log = noteSigner('bench.example/log', generateSeed())
const folder = mkdtempSync(join(process.cwd(), '.bench-audit-'))
const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** Writes the log as static files; hashes are kept in memory, entries are not. */
function build(): number {
  const put = (path: string, bytes: Uint8Array): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), bytes)
  }
  const range = new CompactRange()
  const levels: Uint8Array[][] = []
  let bundle: Uint8Array[] = []
  const flush = (): void => {
    const index = Math.floor((range.size - 1) / TILE_WIDTH)
    put(tilePath({ level: 'entries', index, width: bundle.length }), encodeEntryBundle(bundle))
    bundle = []
  }
  const append = (entry: Uint8Array): void => {
    range.append(leafHash(entry), (level, _index, hash) => {
      if (level % 8 === 0) (levels[level / 8] ??= []).push(hash)
    })
    bundle.push(entry)
    if (bundle.length === TILE_WIDTH) flush()
  }
  for (let first = 0; first < actions; first += perBatch) {
    const entries = Array.from({ length: Math.min(perBatch, actions - first) }, (_, i) =>
      formatAction({
        v: 1,
        id: uuidv7(1_700_000_000_000 + first),
        agent: agent.name,
        session: 'bench',
        seq: first + i,
        ts: 1_700_000_000_000 + first + i,
        kind: 'decision',
        policy: { id: 'bench', rev: '1', decision: 'allow' },
      }),
    )
    entries.forEach(append)
    append(sealBatch({ agent: agent.name, session: 'bench', first, entries }, agent))
  }
  if (bundle.length > 0) flush()
  for (const tile of hashTiles(range.size)) {
    const start = tile.index * TILE_WIDTH
    put(tilePath(tile), Buffer.concat((levels[Number(tile.level)] ?? []).slice(start, start + tile.width)))
  }
  put('checkpoint', signCheckpoint({ origin: log.name, size: range.size, root: range.root() }, [log]))
  put('policy', Buffer.from(`agent ${encodeVkey(agent)}\nquorum none\n`))
  return range.size
}

interface Measured {
  readonly what: string
  readonly entries: number
  readonly seconds: number
  /** Of the one core; what the wall clock says depends on who else runs. */
  readonly cpu_seconds: number
  readonly entries_per_second: number
  readonly rss_mib: number
}

/** Writes what the process used behind the report. */
const USAGE =
  'data:text/javascript,process.on("exit",()=>process.stdout.write(JSON.stringify(process.resourceUsage())))'

/** Runs the real command bound to one core. */
function measure(what: string, flags: readonly string[]): Measured {
  const command = [PORTCULLIS, 'ledger', 'audit', folder, '--vkey', encodeVkey(log), '--json', ...flags]
  const start = performance.now()
  const out = execFileSync('taskset', ['-c', '0', process.execPath, '--import', USAGE, ...command], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const seconds = (performance.now() - start) / 1000
  const [report = '', usage = ''] = out.trim().split('\n')
  const { ok, entries } = JSON.parse(report) as { readonly ok: boolean; readonly entries: number }
  if (!ok) throw new Error(`the audit found something: ${report.slice(0, 500)}`)
  const used = JSON.parse(usage) as NodeJS.ResourceUsage
  return {
    what,
    entries,
    seconds: Number(seconds.toFixed(2)),
    cpu_seconds: Number(((used.userCPUTime + used.systemCPUTime) / 1e6).toFixed(2)),
    entries_per_second: Math.round(entries / seconds),
    rss_mib: Math.round(used.maxRSS / 1024),
  }
}

try {
  const began = performance.now()
  const size = build()
  say(`a log of ${size} entries was made in ${((performance.now() - began) / 1000).toFixed(1)} s`)
  const rows = [measure('tree', []), measure('tree and entries', ['--entries', join(folder, 'policy')])]
  say('entries/s  seconds  cpu s  rss MiB  what')
  for (const row of rows) {
    const cells: readonly [number, number][] = [
      [row.entries_per_second, 9],
      [row.seconds, 9],
      [row.cpu_seconds, 7],
      [row.rss_mib, 9],
    ]
    say(`${cells.map(([value, width]) => String(value).padStart(width)).join('')}  ${row.what}`)
  }
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, undefined, 2)}\n`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
