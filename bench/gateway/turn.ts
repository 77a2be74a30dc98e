import { loadavg } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import type { Upstream } from './nginx.js'
import { probe } from './probe.js'
import { cpuSeconds, rssMiB, watchForeignLoad } from './process-usage.js'
import type { Server } from './server.js'
import type { Workload } from './workload.js'
import { IN_FLIGHT, load } from './wrk.js'

/** One run of one workload against one server. */
export interface Turn {
  readonly requests_per_second: number
  readonly cpu_us_per_request: number
  readonly p50_ms: number
  readonly p99_ms: number
  readonly p999_ms: number
  readonly rss_mib: number
  /** CPUs that other programs of the machine kept busy meanwhile. */
  readonly foreign_cpus: number
  readonly load_before: number
}

export interface Bench {
  readonly upstream: Upstream
  readonly folder: string
  /** The processes of the benchmark: all servers with their other roles, and the upstream. */
  readonly known: () => readonly number[]
}

/** The status that a server has to answer a workload with; undefined when the two do not go together. */
export const expectedStatus = (server: Server, workload: Workload): 200 | 403 | undefined =>
  workload.attack ? server.attackStatus : 200

const REST_MS = 200
/** Of a server at rest: timers and the like. */
const REST_SHARE = 0.1

/** Resolves when a server has worked through what was under way when its load ended. */
async function atRest(server: Server): Promise<void> {
  for (let before = cpuSeconds(server.pids); ;) {
    await pause(REST_MS)
    const now = cpuSeconds(server.pids)
    if (now - before <= (REST_MS / 1000) * REST_SHARE) return
    before = now
  }
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits))

/** Lets a server compile its code and fill its pools: a program in JavaScript needs some 10,000 requests of a kind until it runs as it will. */
export async function warmUp(
  bench: Bench,
  server: Server,
  workload: Workload,
  seconds: number,
): Promise<void> {
  const expected = expectedStatus(server, workload)
  if (expected === undefined) return
  await probe(server.port, workload, expected, server.name)
  await load(server.port, workload, { expected, seconds, folder: bench.folder })
  await atRest(server)
}

/**
 * Puts load on a server and sees that it answered rightly.
 *
 * @throws when an answer had another status than it must, a request reached the upstream that must not or did not reach it,
 *   a connection broke, or the server lost a record
 */
export async function turn(bench: Bench, server: Server, workload: Workload, seconds: number): Promise<Turn> {
  const { upstream, folder } = bench
  const expected = expectedStatus(server, workload)
  if (expected === undefined) throw new Error(`${server.name} is not measured with "${workload.name}"`)
  const refuse = (what: string): never => {
    throw new Error(`the run of "${workload.name}" against ${server.name} does not count: ${what}`)
  }
  const [load_before = 0] = loadavg()
  const servedBefore = await upstream.served()
  const foreign = watchForeignLoad(bench.known())
  const before = cpuSeconds(server.pids)
  const result = await load(server.port, workload, { expected, seconds, folder })
  const used = cpuSeconds(server.pids) - before
  const foreign_cpus = foreign()
  await atRest(server)
  const served = (await upstream.served()) - servedBefore
  const { requests } = result
  if (result.socketErrors > 0) refuse(`${result.socketErrors} socket errors`)
  if (result.wrong > 0) refuse(`${result.wrong} of ${requests} answers have another status than ${expected}`)
  if (requests === 0) refuse(`nothing was answered in ${seconds} s; ask for more with --seconds`)
  // What was under way when the load ended is answered, but not counted.
  const [least, most] = expected === 200 ? [requests, requests + IN_FLIGHT] : [0, 0]
  if (served < least || served > most)
    refuse(`${requests} requests were answered with ${expected}, ${served} reached the upstream`)
  await server.assertHealthy()
  return {
    requests_per_second: round(requests / result.seconds, 1),
    cpu_us_per_request: round((used * 1e6) / requests, 1),
    p50_ms: round(result.p50Ms, 3),
    p99_ms: round(result.p99Ms, 3),
    p999_ms: round(result.p999Ms, 3),
    rss_mib: round(rssMiB(server.pids), 1),
    foreign_cpus: round(foreign_cpus, 2),
    load_before: round(load_before, 2),
  }
}
