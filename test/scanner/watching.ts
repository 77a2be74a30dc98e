import { join } from 'node:path'
import { pino } from 'pino'
import { openLedgerRecorder, rolePaths } from '../../ledger/client/client.js'
import type { ScanVerdictEvent } from '../../runtime/events.js'
import { openOutbox } from '../../runtime/lmdb-outbox.js'
import { openTopic } from '../../runtime/topics.js'
import { scannerConfig } from '../../scanner/config.js'
import { startScanner } from '../../scanner/role.js'

export const clock = { now: () => Date.now() }
const log = pino({ level: 'silent' })

/** A scanner that watches, and the events that it has published so far. */
export const watching = async (data: string, config: object) => {
  const outbox = openOutbox(join(data, 'outbox'))
  const events = openTopic(outbox, 'events')
  const seen: ScanVerdictEvent['data'][] = []
  const waiting = new Set<() => void>()
  events.consume('incidents', async (items) => {
    for (const { bytes } of items)
      seen.push((JSON.parse(Buffer.from(bytes).toString('utf8')) as ScanVerdictEvent).data)
    for (const look of waiting) look()
  })
  const until = (count: (of: readonly ScanVerdictEvent['data'][]) => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!count(seen)) return
        waiting.delete(look)
        resolve()
      }
      waiting.add(look)
      look()
    })
  const ledger = await openLedgerRecorder({
    agent: 'scanner',
    ...rolePaths(data, 'scanner'),
    topic: openTopic(outbox, 'ledger'),
    clock,
  })
  const folder = join(data, 'scanner')
  const scanner = await startScanner({
    config: scannerConfig.parse({ jobs: 1, interval_seconds: 0.02, ...config }),
    folder,
    log,
    ledger,
    events,
    commands: openTopic(outbox, 'commands.scanner'),
    now: clock.now,
    version: '0',
  }).catch(async (error: unknown) => {
    await ledger.close()
    await outbox.close()
    throw error
  })
  // Called by the test itself: its folder is gone when a teardown runs.
  const stop = async (): Promise<void> => {
    await scanner.close()
    await ledger.close()
    await outbox.close()
  }
  return { folder, scanner, seen, until, stop }
}
