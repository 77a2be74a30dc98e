/** The ledger alone in a process, as `portcullis ledger` runs it, on a disk whose syncs are timed and may be slowed. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { decodeVkey } from '../../proofs/note-key.js'
import { serveTcp } from '../../runtime/api/server.js'
import { createLogger } from '../../runtime/log.js'
import { createApi } from '../../ledger/api/routes.js'
import { overHttp } from '../../ledger/api/over-http.js'
import { realDisk } from '../../ledger/disk.js'
import type { Disk, DiskFile } from '../../ledger/disk.js'
import { openLog } from '../../ledger/log.js'
import { parseWitnessPolicy } from '../../ledger/witnessing/policy.js'
import { Witnessing } from '../../ledger/witnessing/witnessing.js'
import type { LedgerFacts, Serving } from './messages.js'

const MAX_BODY = 8 * 1024 * 1024
const syncs: number[] = []

function timedFile(file: DiskFile, delayMs: number): DiskFile {
  return {
    size: () => file.size(),
    read: (offset, length) => file.read(offset, length),
    write: (offset, bytes) => file.write(offset, bytes),
    truncate: (size) => file.truncate(size),
    close: () => file.close(),
    async sync() {
      const start = performance.now()
      await file.sync()
      if (delayMs > 0) await pause(delayMs)
      syncs.push(performance.now() - start)
    },
  }
}

const timedDisk = (delayMs: number): Disk => ({
  ...realDisk,
  open: async (path) => timedFile(await realDisk.open(path), delayMs),
  create: async (path) => timedFile(await realDisk.create(path), delayMs),
})

const [folder, vkey, token, delay, witnessFolder, waits] = process.argv.slice(2)
if (folder === undefined || vkey === undefined || token === undefined) throw new Error('started by rates.ts')
const clock = { now: () => Date.now() }
const logger = createLogger({ level: 'error', role: 'ledger' })
const log = await openLog({
  folder,
  disk: timedDisk(Number(delay ?? 0)),
  clock,
  log: logger,
  name: 'bench.example',
  // The root needs no registration, so that the log holds what is measured alone.
  root: async () => decodeVkey(vkey),
  onFatal: (error) => {
    throw error
  },
})
const witness = witnessFolder === undefined ? undefined : await startWitness(witnessFolder)
const witnessing = witness && (await openWitnessing(witness))
witnessing?.begin()
const api = createApi(log, {
  token,
  witnessing,
  onError: (error) => {
    throw error
  },
})
const server = await serveTcp(overHttp(api, MAX_BODY), {
  host: '127.0.0.1',
  port: 0,
  setting: 'none',
})
const cpu = process.cpuUsage()
const vkeys = [log.identity.vkey, ...(witness && waits === 'awaited' ? [witness.vkey] : [])]
process.send?.({ address: server.address, vkeys } satisfies Serving)
await once(process, 'message')
const used = process.cpuUsage(cpu)
const facts: LedgerFacts = {
  size: log.published.size,
  witnessed: witnessing?.witnessed?.size,
  syncs: Float64Array.from(syncs).sort(),
  cpuSeconds: (used.user + used.system) / 1e6,
  rssMiB: Math.round(process.memoryUsage.rss() / 1024 / 1024),
}
await server.close()
await witnessing?.stop()
witness?.child.kill()
await log.close()
process.send?.(facts, () => process.disconnect())

/** A witness of this log, as a process of its own. */
async function startWitness(data: string) {
  const child = fork(new URL('witness-process.ts', import.meta.url), [data, log.identity.vkey])
  const [{ vkey: key, listen }] = (await once(child, 'message')) as [{ vkey: string; listen: string }]
  return { child, vkey: key, listen }
}

/** Answers that wait are not held back between two checkpoints. */
function openWitnessing({ vkey: key, listen }: { vkey: string; listen: string }): Promise<Witnessing> {
  return Witnessing.open(log, {
    folder: folder ?? '',
    config: {
      failure: 'closed',
      wait_seconds: 10,
      timeout_seconds: 5,
      interval_seconds: waits === 'awaited' ? 0 : 0.2,
      refresh_seconds: 300,
    },
    policy: parseWitnessPolicy(`witness local ${key} http://${listen}/\nquorum local\n`),
    outbound: { allow: ['127.0.0.0/8'] },
    clock,
    log: logger,
  })
}
