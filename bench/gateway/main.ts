/**
 * The gateway beside its peers: nginx as a plain proxy, nginx with ModSecurity 3 and the Core Rule Set, and our gateway with
 * more and more switched on. Each server has one core, load and upstream the other; runs alternate, and the middle one of
 * three counts. A run in which a benign request gets anything but its 200, an attack anything but its 403, or a connection
 * breaks, ends the benchmark.
 *
 * usage: npm run bench -- --crs DIR [--quick] [--listener NAME] [--postures LIST] [--workloads TEXT] [--runs N] [--seconds N]
 *            [--out DIR] [--publish]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { startModSecurity, startPlain, startUpstream } from './nginx.js'
import { missingPackages, versions } from './packages.js'
import { EVERYTHING, PASS_THROUGH, STEPS, startGateway } from './portcullis.js'
import type { Gateway } from './portcullis.js'
import { publish, writeFiles } from './publish.js'
import type { Cell, Results } from './result.js'
import type { Server } from './server.js'
import { tables } from './table.js'
import { expectedStatus, turn, warmUp } from './turn.js'
import type { Bench, Turn } from './turn.js'
import { WORKLOADS } from './workload.js'

const USAGE =
  'usage: npm run bench -- --crs DIR [--quick] [--listener auto|node|uws|…] [--out DIR] [--publish]'

const { values } = parseArgs({
  options: {
    crs: { type: 'string' },
    quick: { type: 'boolean', default: false },
    listener: { type: 'string', default: 'auto' },
    /** Names of postures and peers, separated by commas; all of them by default, `--quick` leaves the steps out. */
    postures: { type: 'string' },
    /** Only workloads whose name holds this. */
    workloads: { type: 'string', default: '' },
    runs: { type: 'string', default: '3' },
    seconds: { type: 'string' },
    out: { type: 'string' },
    publish: { type: 'boolean', default: false },
  },
})

const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** A path as the caller meant it: npm runs scripts in the folder of their package.json. */
const fromCaller = (path: string): string => resolve(process.env['INIT_CWD'] ?? process.cwd(), path)

const wholeNumber = (name: string, text: string): number => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`${name} is ${text}; it must be a whole number above 0`)
  return value
}

if (values.crs === undefined) throw new Error(USAGE)
if (cpus().length < 2) throw new Error('the benchmark needs two CPUs: one for the server, one for the load')
const missing = missingPackages()
if (missing !== undefined) throw new Error(missing)
const crs = fromCaller(values.crs)
const seconds = wholeNumber('--seconds', values.seconds ?? (values.quick ? '2' : '5'))
const runs = wholeNumber('--runs', values.runs)
const workloads = WORKLOADS.filter(({ name }) => name.includes(values.workloads))
const asked = values.postures?.split(',').map((name) => name.trim())
const gatewayPostures = [PASS_THROUGH, ...(values.quick && asked === undefined ? [] : STEPS), EVERYTHING]

const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
const upstream = await startUpstream(join(folder, 'upstream'))
const servers: Server[] = []
const stopAll = async (): Promise<void> => {
  for (const server of servers) await server.stop()
  await upstream.stop()
  rmSync(folder, { recursive: true, force: true })
}

async function startServers(): Promise<void> {
  const wanted = (name: string): boolean => asked === undefined || asked.includes(name)
  if (wanted('nginx')) servers.push(await startPlain(join(folder, 'nginx'), upstream.port))
  if (wanted('modsecurity'))
    servers.push(await startModSecurity(join(folder, 'modsecurity'), upstream.port, crs))
  for (const [index, posture] of gatewayPostures.entries()) {
    if (!wanted(posture.name)) continue
    const options = {
      folder: join(folder, `gateway-${index}`),
      upstreamPort: upstream.port,
      crs,
      listener: values.listener,
      threads: 1,
    }
    servers.push(await startGateway(posture, options))
  }
  if (servers.length === 0)
    throw new Error(
      `--postures: none of them is known; there are nginx, modsecurity, ${gatewayPostures.map(({ name }) => name).join(', ')}`,
    )
}

const isGateway = (server: Server): server is Gateway => 'listener' in server

async function measure(): Promise<readonly Cell[]> {
  const bench: Bench = {
    upstream,
    folder,
    known: () => [
      ...upstream.pids,
      ...servers.flatMap((server) => [...server.pids, ...(isGateway(server) ? server.besidePids : [])]),
    ],
  }
  const cells: Cell[] = []
  for (const workload of workloads) {
    const turns = new Map<Server, Turn[]>()
    for (const server of servers)
      if (expectedStatus(server, workload) !== undefined) {
        turns.set(server, [])
        await warmUp(bench, server, workload)
      }
    for (let run = 0; run < runs; run++)
      for (const [server, measured] of turns) {
        const result = await turn(bench, server, workload, seconds)
        measured.push(result)
        say(
          `${workload.name.padEnd(24)} ${server.name.padEnd(22)} ${String(result.requests_per_second).padStart(9)}/s ` +
            `${String(result.cpu_us_per_request).padStart(8)} µs  p99 ${result.p99_ms} ms  foreign ${result.foreign_cpus}`,
        )
      }
    for (const [server, measured] of turns)
      cells.push({ server: server.name, workload: workload.name, turns: measured })
  }
  return cells
}

try {
  await startServers()
  const cells = await measure()
  const results: Results = {
    command: `npm run bench -- ${process.argv.slice(2).join(' ').replace(values.crs, 'DIR')}`,
    date: new Date().toISOString(),
    machine: `${cpus().length} CPUs (${cpus()[0]?.model ?? '?'}), Linux ${process.arch}`,
    versions: versions(),
    listener: servers.find(isGateway)?.listener ?? 'none',
    seconds,
    start_seconds: Object.fromEntries(
      servers.map(({ name, startSeconds }) => [name, Number(startSeconds.toFixed(2))]),
    ),
    cells,
    notes: [],
  }
  say(`\n${tables(results)}\n`)
  for (const path of writeFiles(results, fromCaller(values.out ?? '.bench-gateway'))) say(`written: ${path}`)
  if (values.publish) await publish(results)
} finally {
  await stopAll()
}
