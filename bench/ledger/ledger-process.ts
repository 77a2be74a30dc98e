/** The ledger alone in a process, as `portcullis ledger` runs it, on a disk whose syncs are timed and may be slowed. */
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { decodeVkey } from '../../proofs/note-key.js'
import { createLogger } from '../../runtime/log.js'
import { createApi } from '../../ledger/api/routes.js'
import { serveTcp } from '../../ledger/api/server.js'
import { realDisk } from '../../ledger/disk.js'
import type { Disk, DiskFile } from '../../ledger/disk.js'
import { openLog } from '../../ledger/log.js'
import type { LedgerFacts } from './messages.js'

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

const [folder, vkey, token, delay] = process.argv.slice(2)
if (folder === undefined || vkey === undefined || token === undefined) throw new Error('started by rates.ts')
const log = await openLog({
  folder,
  disk: timedDisk(Number(delay ?? 0)),
  clock: { now: () => Date.now() },
  log: createLogger({ level: 'error', role: 'ledger' }),
  name: 'bench.example',
  // The root needs no registration, so that the log holds what is measured alone.
  root: async () => decodeVkey(vkey),
  onFatal: (error) => {
    throw error
  },
})
const api = createApi(log, {
  token,
  onError: (error) => {
    throw error
  },
})
const server = await serveTcp(api, '127.0.0.1', 0, MAX_BODY)
const cpu = process.cpuUsage()
process.send?.({ address: server.address, vkey: log.identity.vkey })
await once(process, 'message')
const used = process.cpuUsage(cpu)
const facts: LedgerFacts = {
  size: log.published.size,
  syncs: Float64Array.from(syncs).sort(),
  cpuSeconds: (used.user + used.system) / 1e6,
  rssMiB: Math.round(process.memoryUsage.rss() / 1024 / 1024),
}
await server.close()
await log.close()
process.send?.(facts, () => process.disconnect())
