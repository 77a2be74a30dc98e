import { join } from 'node:path'
import t from 'tap'
import { IndexStore } from '../../ledger/index-store.js'
import { logStoreConformance } from '../conformance/log-store.js'

void t.test('the embedded index', async (t) => {
  const folder = t.testdir()
  logStoreConformance(t, async (name) => new IndexStore(join(folder, name)))
})
