import type { GeneratorResult } from './generator.js'
import { generate } from './generate.js'
import { median } from './result.js'
import type { Server } from './server.js'
import type { Workload } from './workload.js'

const CONNECTIONS = 64

/** Latencies of one server at a fixed rate. */
export interface LatencyRow {
  readonly server: string
  readonly workload: string
  readonly rate: number
  readonly p50_ms: number
  readonly p99_ms: number
  readonly p999_ms: number
  /** How late the generator itself was at most, in the middle one of the runs. */
  readonly generator_late_ms: number
}

/** Sends each server the same requests at the same rate, in turns; medians of the runs. */
export async function latencies(
  servers: readonly Server[],
  workload: Workload,
  options: {
    readonly rate: number
    readonly seconds: number
    readonly runs: number
    readonly folder: string
  },
): Promise<readonly LatencyRow[]> {
  const { rate, seconds, runs, folder } = options
  const results = new Map<Server, GeneratorResult[]>(servers.map((server) => [server, []]))
  const order = { requests: workload.requests, expected: 200, connections: CONNECTIONS, rate }
  for (let run = 0; run < runs; run++)
    for (const [server, measured] of results)
      measured.push(await generate({ ...order, port: server.port, seconds }, folder))
  return [...results].map(([{ name }, measured]) => {
    const of = (key: keyof GeneratorResult): number =>
      Number(median(measured.map((one) => one[key])).toFixed(3))
    return {
      server: name,
      workload: workload.name,
      rate: Math.round(rate),
      p50_ms: of('p50Ms'),
      p99_ms: of('p99Ms'),
      p999_ms: of('p999Ms'),
      generator_late_ms: of('lateMs'),
    }
  })
}
