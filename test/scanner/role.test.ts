import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import t from 'tap'
import { openLedgerClient, rolePaths } from '../../ledger/client/client.js'
import type { ScanVerdictEvent } from '../../runtime/events.js'
import { openOutbox } from '../../runtime/lmdb-outbox.js'
import { openTopic } from '../../runtime/topics.js'
import { scannerConfig } from '../../scanner/config.js'
import { Vault } from '../../scanner/quarantine/vault.js'
import { startScanner } from '../../scanner/role.js'
import { EICAR } from './sample-files.js'

const clock = { now: () => Date.now() }
const log = pino({ level: 'silent' })

/** A scanner that watches, and the events that it has published so far. */
const watching = async (data: string, config: object) => {
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
  const ledger = await openLedgerClient({
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
    now: clock.now,
    version: '0',
  })
  // Called by the test itself: its folder is gone when a teardown runs.
  const stop = async (): Promise<void> => {
    await scanner.close()
    await ledger.close()
    await outbox.close()
  }
  return { folder, seen, until, stop }
}

t.test('what cannot be read is reported once, not by every pass', async (t) => {
  const base = t.testdir({ data: {}, tree: {} })
  const tree = join(base, 'tree')
  const missing = join(tree, 'missing')
  const { seen, until, stop } = await watching(join(base, 'data'), { watch: [missing, tree] })
  // Each new file is found by a pass of its own.
  for (const name of ['a', 'b', 'c']) {
    const path = join(tree, name)
    writeFileSync(path, EICAR)
    await until((of) => of.some((event) => event.path === path))
  }
  t.equal(seen.filter(({ path }) => path === missing).length, 1)
  t.equal(seen.length, 4, 'and what was found is reported once')
  await stop()
})

t.test('a file that could not be quarantined is tried again', async (t) => {
  const base = t.testdir({ data: {}, tree: {} })
  const tree = join(base, 'tree')
  const { folder, seen, until, stop } = await watching(join(base, 'data'), {
    watch: [tree],
    quarantine: true,
  })
  renameSync(join(folder, 'vault'), join(folder, 'away'))
  writeFileSync(join(tree, 'new'), EICAR)
  writeFileSync(join(tree, 'other'), EICAR)
  await until((of) => of.length === 2)
  t.ok(seen.every(({ quarantine }) => quarantine === undefined))
  renameSync(join(folder, 'away'), join(folder, 'vault'))
  await until((of) => of.length === 4)
  t.ok(seen.slice(2).every(({ quarantine }) => quarantine !== undefined))
  await stop()
})

t.test('a file that meets very many rules is recorded, quarantined and can be restored', async (t) => {
  const base = t.testdir({ data: {}, tree: {}, rules: {} })
  const rules = join(base, 'rules', 'many.yar')
  const long = 'r'.repeat(100)
  writeFileSync(
    rules,
    Array.from(
      { length: 900 },
      (_, i) => `rule ${long}${i} { strings: $a = "many-marker" condition: $a }`,
    ).join('\n'),
  )
  const path = join(base, 'tree', 'file')
  writeFileSync(path, 'many-marker')
  const { folder, seen, until, stop } = await watching(join(base, 'data'), {
    watch: [join(base, 'tree')],
    yara_rules: [rules],
    quarantine: true,
  })
  await until((of) => of.length > 0)
  const [event] = seen
  t.equal(event?.reasons.at(-1)?.rule, 'and 101 more')
  const vault = await Vault.open(folder, clock.now)
  mkdirSync(join(base, 'back'))
  const to = join(base, 'back', 'file')
  await vault.restore(event?.quarantine ?? '', { to })
  t.equal(readFileSync(to, 'utf8'), 'many-marker')
  await stop()
})
