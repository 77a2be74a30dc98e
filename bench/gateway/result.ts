import type { LatencyRow } from './latency.js'
import type { Soak } from './soak.js'
import type { ThreadsRow } from './threads.js'
import type { Turn } from './turn.js'

/** All runs of one server with one workload. */
export interface Cell {
  readonly server: string
  readonly workload: string
  readonly turns: readonly Turn[]
}

/** How a part of the benchmark was run. */
export interface Circumstances {
  readonly command: string
  readonly date: string
  readonly machine: string
  readonly versions: Readonly<Record<string, string>>
  readonly listener: string
}

/** The gateway beside its peers. */
export interface Results extends Circumstances {
  readonly seconds: number
  readonly warm_up_seconds: number
  readonly start_seconds: Readonly<Record<string, number>>
  readonly cells: readonly Cell[]
}

/** Everything that one run of the benchmark found, as its JSON file holds it. */
export interface Findings {
  readonly comparison?: Results
  readonly latency?: Circumstances & { readonly rows: readonly LatencyRow[] }
  readonly threads?: Circumstances & { readonly rows: readonly ThreadsRow[] }
  readonly soak?: Circumstances & Soak
}

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((one, other) => one - other)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}

/** The median of each figure by itself. */
export const middle = (turns: readonly Turn[]): Turn => {
  const of = (key: keyof Turn): number => median(turns.map((turn) => turn[key]))
  return {
    requests_per_second: of('requests_per_second'),
    cpu_us_per_request: of('cpu_us_per_request'),
    p50_ms: of('p50_ms'),
    p99_ms: of('p99_ms'),
    p999_ms: of('p999_ms'),
    rss_mib: of('rss_mib'),
    foreign_cpus: of('foreign_cpus'),
    load_before: of('load_before'),
  }
}

export const cellOf = (results: Results, server: string, workload: string): Turn | undefined => {
  const cell = results.cells.find((one) => one.server === server && one.workload === workload)
  return cell === undefined || cell.turns.length === 0 ? undefined : middle(cell.turns)
}

/** In the order in which they were first met. */
export const serversOf = (results: Results): readonly string[] => [
  ...new Set(results.cells.map(({ server }) => server)),
]
export const workloadsOf = (results: Results): readonly string[] => [
  ...new Set(results.cells.map(({ workload }) => workload)),
]

/** From this many CPUs on, kept busy by others, requests a second say nothing. */
export const QUIET_CPUS = 0.05
