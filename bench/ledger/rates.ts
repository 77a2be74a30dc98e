/**
 * How many entries a second the ledger takes, durable and with a proof against a signed checkpoint, the load on the same
 * machine. Every answer is verified after its row; a run with a wrong one is refused.
 *
 * usage: npm run ledger -- [--quick] [--json FILE] [--seconds N] [--clients N] [--only NAME]
 */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { verifyCheckpoint } from '../../proofs/checkpoint.js'
import { generateSeed } from '../../proofs/ed25519.js'
import { assertInclusion } from '../../proofs/merkle.js'
import { decodeVkey, encodeVkey, noteSigner } from '../../proofs/note-key.js'
import { parseTlogProof } from '../../proofs/tlog-proof.js'
import { AGENT, quantile } from './messages.js'
import type { LedgerFacts, LoadOrder, LoadResult, LoadTarget, Row, Serving } from './messages.js'

const ROWS: readonly Row[] = [
  { name: 'one signed action a request', shape: 'single', perRequest: 1, syncDelayMs: 0 },
  { name: '50 signed actions a request', shape: 'bundle', perRequest: 50, syncDelayMs: 0 },
  { name: '50 sealed actions a request', shape: 'sealed', perRequest: 50, syncDelayMs: 0 },
  { name: 'one signed, a local witness', shape: 'single', perRequest: 1, syncDelayMs: 0, witness: 'beside' },
  {
    name: 'one signed, awaits the witness',
    shape: 'single',
    perRequest: 1,
    syncDelayMs: 0,
    witness: 'awaited',
  },
  { name: 'one signed, fsync + 5 ms', shape: 'single', perRequest: 1, syncDelayMs: 5 },
  { name: '50 signed, fsync + 5 ms', shape: 'bundle', perRequest: 50, syncDelayMs: 5 },
  { name: '50 sealed, fsync + 5 ms', shape: 'sealed', perRequest: 50, syncDelayMs: 5 },
]
/** Requests a second that are signed beforehand: more than a row can use up. */
const SIGNED_PER_SECOND = { single: 7_000, bundle: 300, sealed: 1_600 }

interface Measured {
  readonly row: string
  readonly entries_per_second: number
  readonly requests_per_second: number
  readonly p50_ms: number
  readonly p99_ms: number
  readonly p999_ms: number
  readonly fsync_p50_ms: number
  readonly ledger_cpu_share: number
  readonly load_cpu_share: number
  readonly ledger_rss_mib: number
  readonly load_before: number
  readonly ran_out: boolean
}

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    seconds: { type: 'string' },
    clients: { type: 'string', default: '512' },
    only: { type: 'string' },
  },
})
const seconds = Number(values.seconds ?? (values.quick ? 5 : 30))
const clients = Number(values.clients)
if (!(seconds > 0) || !(clients >= 1)) throw new Error('--seconds and --clients are numbers above 0')

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const here = (file: string): URL => new URL(file, import.meta.url)
const start = (file: string, args: readonly string[] = []): ChildProcess =>
  fork(here(file), args, { serialization: 'advanced' })

async function message<T>(child: ChildProcess): Promise<T> {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`a process of the benchmark ended with ${String(code)}`)
  })
  ended.catch(() => undefined)
  const [received] = (await Promise.race([once(child, 'message'), ended])) as [T]
  return received
}

/** Every answer must prove its entry under a checkpoint that all these keys signed. */
function verify(result: LoadResult, vkeys: readonly string[]): void {
  const verifiers = vkeys.map(decodeVkey)
  const checked = new Map<string, { readonly size: number; readonly root: Uint8Array }>()
  const indexes = new Set<number>()
  for (const { leaf, proof: bytes } of result.answers) {
    const { index, proof, checkpoint } = parseTlogProof(bytes)
    const note = Buffer.from(checkpoint).toString('latin1')
    let head = checked.get(note)
    if (head === undefined) {
      const { checkpoint: tree, verification } = verifyCheckpoint(checkpoint, verifiers)
      if (verification.verified.length !== verifiers.length) throw new Error('a checkpoint lacks a signature')
      head = tree
      checked.set(note, head)
    }
    assertInclusion(index, head.size, leaf, proof, head.root)
    if (indexes.has(index)) throw new Error(`index ${index} was given twice`)
    indexes.add(index)
  }
}

async function measure(row: Row): Promise<Measured> {
  const folder = await mkdtemp(join(process.cwd(), '.bench-ledger-'))
  const seed = generateSeed()
  const token = Buffer.from(generateSeed()).toString('hex')
  const load = start('load.ts')
  try {
    const requests = SIGNED_PER_SECOND[row.shape] * seconds
    const order: LoadOrder = { row, clients, seconds, requests, seed }
    load.send(order)
    await message(load)
    const before = loadavg()[0] ?? Number.NaN
    const ledger = start('ledger-process.ts', [
      join(folder, 'ledger'),
      encodeVkey(noteSigner(AGENT, seed)),
      token,
      String(row.syncDelayMs),
      ...(row.witness === undefined ? [] : [join(folder, 'witness'), row.witness]),
    ])
    const { address, vkeys } = await message<Serving>(ledger)
    const [host = '', port = ''] = address.split(':')
    load.send({ host, port: Number(port), token } satisfies LoadTarget)
    const result = await message<LoadResult>(load)
    ledger.send('stop')
    const facts = await message<LedgerFacts>(ledger)
    verify(result, vkeys)
    if (row.witness !== undefined && !facts.witnessed) throw new Error('the witness cosigned nothing')
    const posted = result.answered * (row.perRequest + (row.shape === 'sealed' ? 1 : 0))
    if (facts.size !== posted)
      throw new Error(`${posted} entries were acknowledged, the log has ${facts.size}`)
    const round = (value: number): number => Math.round(value * 100) / 100
    return {
      row: row.name,
      entries_per_second: Math.round((result.answered * row.perRequest) / result.seconds),
      requests_per_second: Math.round(result.answered / result.seconds),
      p50_ms: round(quantile(result.latencies, 0.5)),
      p99_ms: round(quantile(result.latencies, 0.99)),
      p999_ms: round(quantile(result.latencies, 0.999)),
      fsync_p50_ms: round(quantile(facts.syncs, 0.5)),
      ledger_cpu_share: round(facts.cpuSeconds / result.seconds),
      load_cpu_share: round(result.cpuSeconds / result.seconds),
      ledger_rss_mib: facts.rssMiB,
      load_before: round(before),
      ran_out: result.ranOut,
    }
  } finally {
    load.kill()
    await rm(folder, { recursive: true, force: true })
  }
}

const { only } = values
const rows = ROWS.filter((row) => only === undefined || row.name.includes(only))
say(
  `node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? '?'}, ${clients} clients, ${seconds} s a row`,
)
say('entries/s  requests/s   p50 ms   p99 ms  p99.9 ms  fsync p50  cpu ledger  cpu load  row')
const measured: Measured[] = []
for (const row of rows) {
  const result = await measure(row)
  measured.push(result)
  const cells: readonly [number, number][] = [
    [result.entries_per_second, 9],
    [result.requests_per_second, 12],
    [result.p50_ms, 9],
    [result.p99_ms, 9],
    [result.p999_ms, 10],
    [result.fsync_p50_ms, 11],
    [result.ledger_cpu_share, 12],
    [result.load_cpu_share, 10],
  ]
  const line = cells.map(([value, width]) => String(value).padStart(width)).join('')
  say(`${line}  ${result.row}${result.ran_out ? ' (its signed requests ran out)' : ''}`)
}
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(measured, undefined, 2)}\n`)
