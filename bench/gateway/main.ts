/**
 * The gateway beside its peers: nginx as a plain proxy, nginx with ModSecurity 3 and the Core Rule Set, and our gateway with
 * more and more switched on. Each server has one core, load and upstream the other; runs alternate, and the middle one of
 * three counts. A run in which a benign request gets anything but its 200, an attack anything but its 403, or a connection
 * breaks, ends the benchmark.
 *
 * usage: npm run bench -- --crs DIR [--quick] [--parts comparison,latency] [--threads N] [--soak MINUTES]
 *            [--listener NAME] [--postures LIST] [--workloads TEXT] [--against CHECKOUT] [--runs N] [--seconds N]
 *            [--warm-up SECONDS] [--profile] [--out DIR] [--publish]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { compare, isGateway } from './comparison.js'
import { latencies } from './latency.js'
import { startModSecurity, startPlain, startUpstream } from './nginx.js'
import { missingPackages, versions } from './packages.js'
import { EVERYTHING, PASS_THROUGH, STEPS, startGateway } from './portcullis.js'
import type { GatewayOptions } from './portcullis.js'
import { publish, sections, writeFiles } from './publish.js'
import type { Circumstances, Findings } from './result.js'
import type { Server } from './server.js'
import { soak } from './soak.js'
import { compareThreads } from './threads.js'
import { ATTACK, BROWSER_GET, WORKLOADS } from './workload.js'
import { load } from './wrk.js'

const PARTS = ['comparison', 'latency', 'threads', 'soak'] as const
type Part = (typeof PARTS)[number]

const USAGE =
  'usage: npm run bench -- --crs DIR [--quick] [--parts comparison,latency] [--threads N] [--soak MINUTES] [--listener NAME] ' +
  '[--out DIR] [--publish]; bench/gateway/main.ts lists all options'

const { values } = parseArgs({
  options: {
    crs: { type: 'string' },
    quick: { type: 'boolean', default: false },
    /** Default: comparison; without `--quick` also latency. `--threads` and `--soak` run that part alone. */
    parts: { type: 'string' },
    threads: { type: 'string' },
    soak: { type: 'string' },
    listener: { type: 'string', default: 'auto' },
    /** Names of postures and peers, separated by commas; all of them by default, `--quick` leaves the steps out. */
    postures: { type: 'string' },
    /** Only workloads whose name holds this. */
    workloads: { type: 'string', default: '' },
    /** Another checkout, built; its gateway takes turns with this one's. */
    against: { type: 'string' },
    /** Default: 3, with `--quick` one. */
    runs: { type: 'string' },
    /** Of one run. ModSecurity answers the first nested JSON after two of them. */
    seconds: { type: 'string', default: '6' },
    /** Of each server with each workload, before it is measured. */
    'warm-up': { type: 'string', default: '10' },
    /** Writes a CPU profile of each gateway to the folder of the results. */
    profile: { type: 'boolean', default: false },
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

const wantedParts = (): readonly Part[] => {
  const alone: readonly Part[] = [
    ...(values.threads === undefined ? [] : ['threads' as const]),
    ...(values.soak === undefined ? [] : ['soak' as const]),
  ]
  if (values.parts === undefined)
    return alone.length > 0 ? alone : values.quick ? ['comparison'] : ['comparison', 'latency']
  const named = values.parts.split(',').map((name) => {
    const part = PARTS.find((known) => known === name)
    if (part === undefined) throw new Error(`--parts: ${name} is none; there are ${PARTS.join(', ')}`)
    return part
  })
  return [...new Set([...named, ...alone])]
}

if (values.crs === undefined) throw new Error(USAGE)
if (cpus().length < 2) throw new Error('the benchmark needs two CPUs: one for the server, one for the load')
const missing = missingPackages()
if (missing !== undefined) throw new Error(missing)
const parts = wantedParts()
const crs = fromCaller(values.crs)
const against = values.against === undefined ? undefined : fromCaller(values.against)
const seconds = wholeNumber('--seconds', values.seconds)
const warmUpSeconds = wholeNumber('--warm-up', values['warm-up'])
const runs = wholeNumber('--runs', values.runs ?? (values.quick ? '1' : '3'))
const workloads = WORKLOADS.filter(({ name }) => name.includes(values.workloads))
const out = fromCaller(values.out ?? '.bench-gateway')
const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
const upstream = await startUpstream(join(folder, 'upstream'))
const servers: Server[] = []
let started = 0

const gatewayOptions = (): GatewayOptions => ({
  folder: join(folder, `gateway-${started++}`),
  upstreamPort: upstream.port,
  crs,
  listener: values.listener,
  threads: 1,
  ...(values.profile ? { nodeArguments: ['--cpu-prof', '--cpu-prof-dir', out] } : {}),
})

const circumstances = (listener: string): Circumstances => ({
  command: `npm run bench -- ${process.argv
    .slice(2)
    .join(' ')
    .replace(values.crs ?? '', 'DIR')}`,
  date: new Date().toISOString(),
  machine: `${cpus().length} CPUs (${cpus()[0]?.model ?? '?'}), Linux ${process.arch}`,
  versions: versions(),
  listener,
})

const listenerOf = (some: readonly Server[]): string => some.find(isGateway)?.listener ?? 'none'

async function startServers(): Promise<void> {
  const postures = values.postures?.split(',').map((name) => name.trim())
  const ours = [PASS_THROUGH, ...(values.quick && postures === undefined ? [] : STEPS), EVERYTHING]
  const wanted = (name: string): boolean => postures === undefined || postures.includes(name)
  if (wanted('nginx')) servers.push(await startPlain(join(folder, 'nginx'), upstream.port))
  if (wanted('modsecurity'))
    servers.push(await startModSecurity(join(folder, 'modsecurity'), upstream.port, crs))
  for (const posture of ours) {
    if (!wanted(posture.name)) continue
    servers.push(await startGateway(posture, gatewayOptions()))
    if (against !== undefined)
      servers.push(await startGateway(posture, { ...gatewayOptions(), checkout: against }))
  }
  if (servers.length === 0)
    throw new Error(
      `--postures: none of them is known; there are nginx, modsecurity, ${ours.map(({ name }) => name).join(', ')}`,
    )
}

async function stopServers(): Promise<void> {
  for (const server of servers.splice(0)) await server.stop()
}

async function comparison(): Promise<NonNullable<Findings['comparison']>> {
  await startServers()
  const cells = await compare(servers, workloads, { upstream, folder, runs, seconds, warmUpSeconds }, say)
  const start_seconds = Object.fromEntries(
    servers.map(({ name, startSeconds }) => [name, Number(startSeconds.toFixed(2))]),
  )
  return {
    ...circumstances(listenerOf(servers)),
    seconds,
    warm_up_seconds: warmUpSeconds,
    start_seconds,
    cells,
  }
}

async function latency(): Promise<NonNullable<Findings['latency']>> {
  for (const posture of [PASS_THROUGH, EVERYTHING])
    servers.push(await startGateway(posture, gatewayOptions()))
  const [, everything] = servers
  if (everything === undefined) throw new Error('no gateway was started')
  const order = { expected: 200, seconds: warmUpSeconds, folder }
  for (const server of servers) await load(server.port, BROWSER_GET, order)
  const most = await load(everything.port, BROWSER_GET, order)
  const rate = Math.max(1, most.requests / most.seconds / 2)
  const rows = await latencies(servers, BROWSER_GET, { rate, seconds: 2 * seconds, runs, folder })
  return { ...circumstances(listenerOf(servers)), rows }
}

async function measure(part: Part): Promise<Findings> {
  switch (part) {
    case 'comparison':
      return { comparison: await comparison() }
    case 'latency':
      return { latency: await latency() }
    case 'threads': {
      const threads = wholeNumber('--threads', values.threads ?? '2')
      const rows = await compareThreads(workloads, {
        ...gatewayOptions(),
        threads,
        seconds,
        runs,
        warmUpSeconds,
      })
      return { threads: { ...circumstances(values.listener), rows } }
    }
    case 'soak': {
      const minutes = wholeNumber('--soak', values.soak ?? '10')
      const found = await soak(gatewayOptions(), minutes, { clean: BROWSER_GET, attack: ATTACK }, say)
      return { soak: { ...circumstances(values.listener), ...found } }
    }
  }
}

try {
  for (const part of parts) {
    const findings = await measure(part)
    await stopServers()
    for (const { heading, text } of sections(findings)) say(`\n${heading}\n\n${text}\n`)
    for (const path of writeFiles(findings, out)) say(`written: ${path}`)
    if (values.publish) await publish(findings)
  }
} finally {
  await stopServers()
  await upstream.stop()
  rmSync(folder, { recursive: true, force: true })
}
