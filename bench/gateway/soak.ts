import { generate } from './generate.js'
import { EVERYTHING, startGateway } from './portcullis.js'
import type { GatewayOptions } from './portcullis.js'
import { cpuSeconds, memoryParts, rssMiB } from './process-usage.js'
import { blockedInAuditLog, blockedInLedger } from './recorded.js'
import type { Workload } from './workload.js'

const SAMPLES = 60
const CONNECTIONS = 32

export interface Soak {
  readonly minutes: number
  readonly clean_per_second: number
  readonly attacks_per_second: number
  readonly cpu_us_per_attack: number
  /** Answers with 403, lines of the audit log, and what the ledger holds. */
  readonly answered: number
  readonly audit_log: number
  readonly ledger_entries: number
  readonly ledger_summarised: number
  readonly memory: readonly {
    readonly second: number
    /** Of the gateway's own, and pages of files: programs, and the stores that it maps. */
    readonly gateway_mib: number
    readonly gateway_files_mib: number
    readonly beside_mib: number
  }[]
}

/**
 * Attacks without a pause. Every one has to be refused, to stand in the audit log, and to be in the ledger as an entry or in a
 * summary.
 *
 * @throws when an answer was not 403 or the counts differ
 */
export async function soak(
  options: GatewayOptions,
  minutes: number,
  { clean, attack }: { readonly clean: Workload; readonly attack: Workload },
  say: (line: string) => void,
): Promise<Soak> {
  const gateway = await startGateway(EVERYTHING, options)
  const { folder } = options
  let stopped = false
  try {
    const shape = { port: gateway.port, connections: CONNECTIONS, rate: undefined }
    const benign = { ...shape, requests: clean.requests, expected: 200 }
    await generate({ ...benign, seconds: 3 }, folder)
    const quiet = await generate({ ...benign, seconds: 10 }, folder)
    const memory: Soak['memory'][number][] = []
    const begun = performance.now()
    const sample = (): void => {
      const second = Math.round((performance.now() - begun) / 1000)
      const { ownMiB, filesMiB } = memoryParts(gateway.pids)
      const figures = {
        second,
        gateway_mib: Math.round(ownMiB),
        gateway_files_mib: Math.round(filesMiB),
        beside_mib: Math.round(rssMiB(gateway.besidePids)),
      }
      memory.push(figures)
      say(
        `${second} s: gateway ${figures.gateway_mib} MiB and ${figures.gateway_files_mib} of files, other roles ${figures.beside_mib} MiB`,
      )
    }
    sample()
    const before = cpuSeconds(gateway.pids)
    const timer = setInterval(sample, (minutes * 60_000) / SAMPLES)
    const result = await generate(
      { ...shape, requests: attack.requests, expected: 403, seconds: minutes * 60 },
      folder,
    ).finally(() => clearInterval(timer))
    const used = cpuSeconds(gateway.pids) - before
    sample()
    await gateway.assertHealthy()
    // What it recorded is on disk once it has ended; the ledger goes on and takes it in.
    await gateway.program.stop()
    const audit = await blockedInAuditLog(gateway.auditLog)
    const { entries, summarised } = await blockedInLedger(gateway.data)
    stopped = true
    await gateway.stop()
    if (audit !== result.answered || entries + summarised !== result.answered)
      throw new Error(
        `${result.answered} attacks were answered with 403; the audit log holds ${audit}, the ledger ${entries} entries and ${summarised} in summaries`,
      )
    return {
      minutes,
      clean_per_second: Math.round(quiet.answered / quiet.seconds),
      attacks_per_second: Math.round(result.answered / result.seconds),
      cpu_us_per_attack: Number(((used * 1e6) / result.answered).toFixed(1)),
      answered: result.answered,
      audit_log: audit,
      ledger_entries: entries,
      ledger_summarised: summarised,
      memory,
    }
  } finally {
    if (!stopped) await gateway.stop()
  }
}
