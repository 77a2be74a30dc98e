import { mkdirSync } from 'node:fs'
import { cpuSeconds } from './process-usage.js'
import { EVERYTHING, startGateway } from './portcullis.js'
import type { Gateway, GatewayOptions } from './portcullis.js'
import { median } from './result.js'
import { LOAD_CPU, SERVER_CPU } from './server.js'
import type { Workload } from './workload.js'
import { load } from './wrk.js'

/** One thread beside several; load and service share the CPUs with them. */
export interface ThreadsRow {
  readonly workload: string
  readonly threads: number
  readonly requests_per_second: number
  readonly cpu_us_per_request: number
  /** Share of the requests that each thread served. */
  readonly shares: readonly number[]
}

/** Requests that each thread answered by now, by its label. */
const served = async (gateway: Gateway): Promise<ReadonlyMap<string, number>> => {
  const counts = new Map<string, number>()
  for (const line of (await gateway.metrics()).split('\n')) {
    const [, labels, value] =
      /^http_server_request_duration(?:_seconds)?_count\{(.*)\} (\d+)/.exec(line) ?? []
    if (labels === undefined) continue
    const thread = /(?:^|,)thread="(\d+)"/.exec(labels)?.[1] ?? '0'
    counts.set(thread, (counts.get(thread) ?? 0) + Number(value))
  }
  return counts
}

/**
 * @throws when the gateway does not serve with so many threads, as some listeners cannot
 */
export async function compareThreads(
  workloads: readonly Workload[],
  options: GatewayOptions & {
    readonly seconds: number
    readonly runs: number
    readonly warmUpSeconds: number
  },
): Promise<readonly ThreadsRow[]> {
  const rows: ThreadsRow[] = []
  const gateways: Gateway[] = []
  mkdirSync(options.folder)
  try {
    for (const threads of [1, options.threads]) {
      const folder = `${options.folder}-threads-${threads}`
      const gateway = await startGateway(EVERYTHING, {
        ...options,
        folder,
        threads,
        cpus: `${LOAD_CPU},${SERVER_CPU}`,
      })
      gateways.push(gateway)
      if (gateway.threads !== threads)
        throw new Error(
          `the ${gateway.listener} listener serves with ${gateway.threads} of ${threads} threads`,
        )
    }
    for (const workload of workloads) {
      const measured = new Map(gateways.map((gateway) => [gateway, { rates: [0], costs: [0] }]))
      const before = new Map<Gateway, ReadonlyMap<string, number>>()
      for (const [gateway, figures] of measured) {
        await run(gateway, workload, options.warmUpSeconds, options.folder)
        figures.rates.length = 0
        figures.costs.length = 0
        before.set(gateway, await served(gateway))
      }
      for (let turn = 0; turn < options.runs; turn++)
        for (const [gateway, figures] of measured) {
          const { rate, cost } = await run(gateway, workload, options.seconds, options.folder)
          figures.rates.push(rate)
          figures.costs.push(cost)
        }
      for (const [gateway, { rates, costs }] of measured) {
        const counts = [...(await served(gateway))].map(
          ([thread, count]) => count - (before.get(gateway)?.get(thread) ?? 0),
        )
        const all = counts.reduce((sum, count) => sum + count, 0)
        rows.push({
          workload: workload.name,
          threads: gateway.threads,
          requests_per_second: Number(median(rates).toFixed(1)),
          cpu_us_per_request: Number(median(costs).toFixed(1)),
          shares: counts.filter((count) => count > 0).map((count) => Number((count / all).toFixed(3))),
        })
      }
    }
  } finally {
    for (const gateway of gateways) await gateway.stop()
  }
  return rows
}

const run = async (
  gateway: Gateway,
  workload: Workload,
  seconds: number,
  folder: string,
): Promise<{ readonly rate: number; readonly cost: number }> => {
  const expected = workload.attack ? 403 : 200
  const before = cpuSeconds(gateway.pids)
  const result = await load(gateway.port, workload, { expected, seconds, folder })
  const used = cpuSeconds(gateway.pids) - before
  if (result.wrong > 0 || result.socketErrors > 0)
    throw new Error(`the run of "${workload.name}" with ${gateway.threads} threads does not count`)
  await gateway.assertHealthy()
  return { rate: result.requests / result.seconds, cost: (used * 1e6) / result.requests }
}
