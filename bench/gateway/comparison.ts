import type { Gateway } from './portcullis.js'
import type { Cell } from './result.js'
import type { Server } from './server.js'
import { expectedStatus, turn, warmUp } from './turn.js'
import type { Bench, Turn } from './turn.js'
import type { Workload } from './workload.js'

export const isGateway = (server: Server): server is Gateway => 'listener' in server

/** Every workload against every server, the servers in turn. */
export async function compare(
  servers: readonly Server[],
  workloads: readonly Workload[],
  options: Pick<Bench, 'upstream' | 'folder'> & {
    readonly runs: number
    readonly seconds: number
    readonly warmUpSeconds: number
  },
  say: (line: string) => void,
): Promise<readonly Cell[]> {
  const { upstream, folder, runs, seconds, warmUpSeconds } = options
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
        await warmUp(bench, server, workload, warmUpSeconds)
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
