/**
 * A database of digests as the workers look them up: how long it takes to build, how many lookups a second one core does when
 * 99.9 % and when half of them miss, and how much memory a process has more with it than without. The digests are random, those
 * that are looked up are made beforehand, and every answer is checked.
 *
 * usage: npm run scanner:hashes -- [--digests N] [--lookups N] [--runs N] [--json FILE]
 */
import { createHash } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { HashDatabaseBuilder } from '../../scanner/hashes/builder.js'
import { HashDatabase } from '../../scanner/hashes/database.js'

const { values } = parseArgs({
  options: {
    digests: { type: 'string', default: '10000000' },
    lookups: { type: 'string', default: '2000000' },
    runs: { type: 'string', default: '5' },
    json: { type: 'string' },
    /** For the process whose memory is measured. */
    open: { type: 'string' },
  },
})
const [digests, lookups, runs] = [values.digests, values.lookups, values.runs].map(Number) as [
  number,
  number,
  number,
]
const BYTES = 32
const FAMILIES = 1000
const MiB = 1024 * 1024

/** The digest of this number; those from `digests` on are not in the database. */
const put = (number: number, into: Buffer, at: number): void => {
  createHash('sha256').update(`${number}`).digest().copy(into, at)
}
const seconds = (since: number): number => (performance.now() - since) / 1000
const median = (of: readonly number[]): number => of.toSorted((a, b) => a - b)[Math.floor(of.length / 2)] ?? 0

/** MiB that a process has more once it has opened the database and looked something up. */
function measureOpen(file: string): void {
  globalThis.gc?.()
  const before = process.memoryUsage().rss
  const start = performance.now()
  const database = HashDatabase.open(file)
  const open = seconds(start)
  for (let number = 0; number < 10_000; number++) {
    const bytes = Buffer.alloc(BYTES)
    put(number, bytes, 0)
    database.find('malicious', 'sha256', bytes)
  }
  globalThis.gc?.()
  const memory = (process.memoryUsage().rss - before) / MiB
  process.stdout.write(JSON.stringify({ open_seconds: open, memory_mib: memory }))
}

const memoryOf = (file: string): { readonly open_seconds: number; readonly memory_mib: number } => {
  const args = [...process.execArgv, fileURLToPath(import.meta.url), '--open', file]
  const said: unknown = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }))
  return said as ReturnType<typeof memoryOf>
}

if (values.open !== undefined) {
  measureOpen(values.open)
  process.exit(0)
}

const folder = mkdtempSync(join(tmpdir(), 'portcullis-hashes-'))
try {
  const file = join(folder, 'hashes')
  const builder = new HashDatabaseBuilder(file)
  const digest = Buffer.alloc(BYTES)
  // Making the digests takes longer than taking them in, and is no part of it.
  let made = 0
  const begun = performance.now()
  for (let number = 0; number < digests; number++) {
    const before = performance.now()
    put(number, digest, 0)
    made += performance.now() - before
    builder.add('malicious', 'sha256', digest, 0, `Family.${number % FAMILIES}`)
  }
  builder.finish()
  const build = seconds(begun) - made / 1000

  const row = (miss: number) => {
    const asked = Array.from({ length: lookups }, (_, index) => {
      const bytes = Buffer.alloc(BYTES)
      const isMiss = index % 1000 < miss * 1000
      put(isMiss ? digests + index : Math.floor((index * 7919) % digests), bytes, 0)
      return bytes
    })
    const expected = asked.length - asked.filter((_, index) => index % 1000 < miss * 1000).length
    const database = HashDatabase.open(file)
    const rates: number[] = []
    for (let run = 0; run < runs; run++) {
      const start = performance.now()
      let found = 0
      for (const bytes of asked) if (database.find('malicious', 'sha256', bytes) !== undefined) found++
      rates.push(lookups / seconds(start))
      if (found !== expected) throw new Error(`${found} found, ${expected} expected`)
    }
    database.close()
    return {
      misses_percent: miss * 100,
      lookups_per_second: Math.round(median(rates)),
      slowest: Math.round(Math.min(...rates)),
      fastest: Math.round(Math.max(...rates)),
    }
  }
  const result = {
    digests,
    file_mib: Math.round(statSync(file).size / MiB),
    build_seconds: Number(build.toFixed(1)),
    process: memoryOf(file),
    rows: [row(0.999), row(0.5)],
  }
  process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`)
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(result))
} finally {
  rmSync(folder, { recursive: true })
}
