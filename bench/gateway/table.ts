import { QUIET_CPUS, cellOf, serversOf, workloadsOf } from './result.js'
import type { Findings, Results } from './result.js'
import type { Turn } from './turn.js'

const whole = (value: number): string => Math.round(value).toLocaleString('en')
const short = (value: number): string =>
  value >= 100 ? whole(value) : value >= 10 ? value.toFixed(1) : value.toPrecision(2)

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map((_, index) => (index === 0 ? '---' : '---:')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')

const grid = (results: Results, write: (cell: Turn) => string): string => {
  const workloads = workloadsOf(results)
  return table(
    ['', ...workloads],
    serversOf(results).map((server) => [
      server,
      ...workloads.map((workload) => {
        const cell = cellOf(results, server, workload)
        return cell === undefined ? '–' : write(cell)
      }),
    ]),
  )
}

/** How `server` does beside `peer`: by requests a second, and by the CPU time of a request, which foreign load spares. */
const ratios = (results: Results, server: string, peer: string): string[] =>
  workloadsOf(results).map((workload) => {
    const mine = cellOf(results, server, workload)
    const theirs = cellOf(results, peer, workload)
    if (mine === undefined || theirs === undefined) return '–'
    const rate = mine.requests_per_second / theirs.requests_per_second
    return `${short(rate)} (${short(theirs.cpu_us_per_request / mine.cpu_us_per_request)})`
  })

const foreignLoad = (results: Results): string => {
  const loads = results.cells.flatMap(({ turns }) => turns.map((turn) => turn.foreign_cpus))
  const most = Math.max(...loads)
  return most <= QUIET_CPUS
    ? `Nothing else ran: other programs kept at most ${most.toFixed(2)} CPUs busy.`
    : `Other programs kept up to ${most.toFixed(2)} CPUs busy: the CPU time of a request counts, requests a second and latencies do not.`
}

/** The results as Markdown. */
export const tables = (results: Results): string => {
  const servers = serversOf(results)
  const others = servers.filter((server) => !server.startsWith('nginx'))
  const pairs = others.flatMap((server) =>
    ['nginx', 'nginx + ModSecurity 3']
      .filter((peer) => servers.includes(peer))
      .map((peer) => [`${server} : ${peer}`, ...ratios(results, server, peer)]),
  )
  const memory = servers.map((server) => {
    const cells = workloadsOf(results).flatMap((workload) => cellOf(results, server, workload) ?? [])
    return [
      server,
      short(Math.max(...cells.map((cell) => cell.rss_mib))),
      short(results.start_seconds[server] ?? Number.NaN),
    ]
  })
  return [
    `Listener ${results.listener}; medians of ${Math.max(...results.cells.map(({ turns }) => turns.length))} alternating runs of ${results.seconds} s, after ${results.warm_up_seconds} s of each workload. ${foreignLoad(results)}`,
    'Requests a second on one core (CPU µs per request):',
    grid(results, (cell) => `${whole(cell.requests_per_second)} (${short(cell.cpu_us_per_request)})`),
    'Times as many requests a second (times as little CPU per request):',
    table(['', ...workloadsOf(results)], pairs),
    'Latency at full load, p50 / p99 / p99.9 in ms, 32 connections:',
    grid(results, (cell) => `${short(cell.p50_ms)} / ${short(cell.p99_ms)} / ${short(cell.p999_ms)}`),
    table(['', 'Memory, MiB', 'Start, s'], memory),
  ].join('\n\n')
}

/** Latencies at a fixed rate; the last column is what everything costs above passing on. */
export const latencyTable = ({ rows }: NonNullable<Findings['latency']>): string => {
  const [base] = rows
  return table(
    ['', 'Requests/s', 'p50 ms', 'p99 ms', 'p99.9 ms', 'added p99 ms', 'load late by, ms'],
    rows.map((row) => [
      row.server,
      whole(row.rate),
      ...[row.p50_ms, row.p99_ms, row.p999_ms].map((value) => value.toFixed(2)),
      base === undefined || row === base ? '–' : (row.p99_ms - base.p99_ms).toFixed(2),
      row.generator_late_ms.toFixed(2),
    ]),
  )
}

export const threadsTable = ({ rows }: NonNullable<Findings['threads']>): string =>
  table(
    ['', 'Threads', 'Requests/s', 'CPU µs per request', 'of one thread’s', 'times one', 'shares'],
    rows.map((row) => {
      const one = rows.find((other) => other.workload === row.workload && other.threads === 1) ?? row
      return [
        row.workload,
        String(row.threads),
        whole(row.requests_per_second),
        short(row.cpu_us_per_request),
        (row.cpu_us_per_request / one.cpu_us_per_request).toFixed(2),
        (row.requests_per_second / one.requests_per_second).toFixed(2),
        row.shares.map((share) => `${Math.round(share * 100)} %`).join(', '),
      ]
    }),
  )

export const soakTable = (soak: NonNullable<Findings['soak']>): string => {
  const { memory } = soak
  const at = [0, 0.1, 0.25, 0.5, 0.75, 1].map((share) => memory[Math.round(share * (memory.length - 1))])
  return [
    `${soak.minutes} minutes of attacks: ${whole(soak.answered)} were answered with 403, ${whole(soak.audit_log)} stand in the audit log, ` +
      `${whole(soak.ledger_entries)} in the ledger with an entry of their own and ${whole(soak.ledger_summarised)} in signed summaries. ` +
      `${whole(soak.attacks_per_second)} a second (${short(soak.cpu_us_per_attack)} CPU µs each), ` +
      `${(soak.attacks_per_second / soak.clean_per_second).toFixed(2)} of the rate of clean GETs.`,
    table(
      ['Second', ...at.map((sample) => String(sample?.second ?? ''))],
      [
        ['the gateway’s own, MiB', ...at.map((sample) => String(sample?.gateway_mib ?? ''))],
        ['files that it maps, MiB', ...at.map((sample) => String(sample?.gateway_files_mib ?? ''))],
        ['other roles, MiB', ...at.map((sample) => String(sample?.beside_mib ?? ''))],
      ],
    ),
  ].join('\n\n')
}
