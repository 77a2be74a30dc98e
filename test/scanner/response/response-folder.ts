import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { openLedgerRecorder, rolePaths } from '../../../ledger/client/client.js'
import { openOutbox } from '../../../runtime/lmdb-outbox.js'
import { openTopic } from '../../../runtime/topics.js'
import { Vault } from '../../../scanner/quarantine/vault.js'
import { ResponseStore } from '../../../scanner/response/store.js'

const now = Date.now

/** A data folder with all that a response needs, and beside it a file that holds `bad`. */
export async function openResponseFolder(t: Test) {
  // Not a folder of the test's, which is gone when a teardown runs.
  const base = mkdtempSync(join(tmpdir(), 'portcullis-test-'))
  const data = join(base, 'data')
  const folder = join(data, 'scanner')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const outbox = openOutbox(join(data, 'outbox'))
  const ledger = await openLedgerRecorder({
    agent: 'scanner',
    ...rolePaths(data, 'scanner'),
    topic: openTopic(outbox, 'ledger'),
    clock: { now },
  })
  const vault = await Vault.open(folder, now)
  const store = ResponseStore.open(folder)
  t.teardown(async () => {
    await ledger.close()
    await store.close()
    await outbox.close()
    rmSync(base, { recursive: true })
  })
  const path = join(base, 'file')
  writeFileSync(path, 'bad')
  return { data, path, vault, store, ledger, events: openTopic(outbox, 'events'), now }
}
