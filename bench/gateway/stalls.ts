/**
 * How long judging one request keeps all the others waiting: the longest delays of the gateway's event loop under bodies of
 * 64 KiB, one kind after another, with everything switched on. A delay that the machine makes (another program on the same
 * CPU, a disk) looks the same, so each kind has its CPU time beside it.
 *
 * usage: npm run stalls -- --crs DIR [--seconds 5] [--listener NAME] [--only TEXT]
 */
import { mkdtempSync, readFileSync, rmSync, watch } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { LARGE } from '../inspection/workloads.js'
import type { Workload as Judged } from '../inspection/workloads.js'
import { startUpstream } from './nginx.js'
import { missingPackages } from './packages.js'
import { EVERYTHING, startGateway } from './portcullis.js'
import { probe } from './probe.js'
import { cpuSeconds } from './process-usage.js'
import type { Workload } from './workload.js'
import { load } from './wrk.js'

const { values } = parseArgs({
  options: {
    crs: { type: 'string' },
    seconds: { type: 'string', default: '5' },
    listener: { type: 'string', default: 'auto' },
    only: { type: 'string', default: '' },
  },
})
if (values.crs === undefined) throw new Error('--crs names a Core Rule Set folder')
const missing = missingPackages()
if (missing !== undefined) throw new Error(missing)

const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** Loaded into the gateway: at SIGUSR2 it writes the delays since the last time, in milliseconds, and begins anew. */
const watcher = (file: string): string => `
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { renameSync, writeFileSync } from 'node:fs'
const delays = monitorEventLoopDelay({ resolution: 1 })
delays.enable()
process.on('SIGUSR2', () => {
  const of = (percentile) => delays.percentile(percentile) / 1e6
  writeFileSync('${file}.new', JSON.stringify({ p99: of(99), p999: of(99.9), max: delays.max / 1e6 }))
  renameSync('${file}.new', '${file}')
  delays.reset()
})
`

interface Delays {
  readonly p99: number
  readonly p999: number
  readonly max: number
}

const folder = mkdtempSync(join(tmpdir(), 'portcullis-stalls-'))

const delaysOf = async (pid: number, file: string): Promise<Delays> => {
  const changes = watch(folder)
  const written = new Promise<void>((done) => {
    changes.on('change', (_, name) => {
      if (name === 'delays') done()
    })
  })
  process.kill(pid, 'SIGUSR2')
  await written
  changes.close()
  return JSON.parse(readFileSync(file, 'utf8')) as Delays
}

const sent = ({ name, method, target, headers, body, outcome }: Judged): Workload => ({
  name,
  attack: outcome === 'block',
  requests: [
    [
      `${method} ${target} HTTP/1.1`,
      ...headers.map(([field, value]) => `${field}: ${value}`),
      ...(headers.some(([field]) => field.toLowerCase() === 'content-length')
        ? []
        : [`Content-Length: ${body.length}`]),
      '',
      body,
    ].join('\r\n'),
  ],
})

const upstream = await startUpstream(join(folder, 'upstream'))
const file = join(folder, 'delays')
const gateway = await startGateway(EVERYTHING, {
  folder: join(folder, 'gateway'),
  upstreamPort: upstream.port,
  crs: resolve(process.env['INIT_CWD'] ?? '.', values.crs),
  listener: values.listener,
  threads: 1,
  nodeArguments: ['--import', `data:text/javascript,${encodeURIComponent(watcher(file))}`],
})
try {
  const [pid = 0] = gateway.pids
  say(`listener ${gateway.listener}; delays of the event loop in milliseconds`)
  say(
    `${'workload'.padEnd(32)}${'p99'.padStart(8)}${'p99.9'.padStart(8)}${'max'.padStart(8)}   CPU µs/request`,
  )
  for (const workload of LARGE.filter(({ name }) => name.includes(values.only)).map(sent)) {
    const expected = workload.attack ? 403 : 200
    await probe(gateway.port, workload, expected, gateway.name)
    await load(gateway.port, workload, { expected, seconds: 2, folder })
    await delaysOf(pid, file)
    const before = cpuSeconds(gateway.pids)
    const { requests, wrong } = await load(gateway.port, workload, {
      expected,
      seconds: Number(values.seconds),
      folder,
    })
    if (requests === 0) throw new Error(`${workload.name}: nothing was answered; ask for more --seconds`)
    if (wrong > 0) throw new Error(`${workload.name}: ${wrong} answers are not ${expected}`)
    const { p99, p999, max } = await delaysOf(pid, file)
    const micros = ((cpuSeconds(gateway.pids) - before) / requests) * 1e6
    const cells = [p99, p999, max].map((delay) => delay.toFixed(1).padStart(8)).join('')
    say(`${workload.name.padEnd(32)}${cells}${micros.toFixed(0).padStart(12)}`)
  }
} finally {
  await gateway.stop()
  await upstream.stop()
  rmSync(folder, { recursive: true, force: true })
}
