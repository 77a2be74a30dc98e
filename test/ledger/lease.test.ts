import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { IndexStore } from '../../ledger/index-store.js'
import type { LeaseRecord } from '../../ledger/index-store.js'
import { Lease, LEASE_MS } from '../../ledger/lease.js'
import { ownIdentity, processState } from '../../runtime/process-identity.js'

const now = 1_700_000_000_000
const clock = { now: () => now }
const lost = (): void => {
  throw new Error('the lease is lost')
}

/** A store whose lease is held by `holder`. */
function heldBy(folder: string, record: Partial<LeaseRecord>): IndexStore {
  const store = new IndexStore(folder)
  store.changeLease(() => ({ epoch: 7, holder: ownIdentity(), renewed: now, ...record }))
  return store
}

/** Identity of a process that has ended. */
async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ['-e', ''], { env: {} })
  await once(child, 'exit')
  return child.pid ?? 0
}

void t.test('a lease is taken once, and again when it was given back', async (t) => {
  const store = new IndexStore(t.testdir())
  const first = new Lease(store, clock, lost)
  t.equal(first.epoch, 1)
  t.ok(first.held)
  t.throws(() => new Lease(store, clock, lost), { code: 'LOCKED', detail: { pid: process.pid } })
  first.release()
  first.release()
  t.notOk(first.held)
  const second = new Lease(store, clock, lost)
  t.equal(second.epoch, 2, 'under a higher epoch')
  second.release()
  await store.close()
})

void t.test('the lease of a process that has ended is free at once', async (t) => {
  const pid = await deadProcess()
  const store = heldBy(t.testdir(), { holder: { ...ownIdentity(), pid } })
  const lease = new Lease(store, clock, lost)
  t.equal(lease.epoch, 8)
  lease.release()
  await store.close()
})

void t.test(
  'a pid that another process has now does not hold it',
  { skip: process.platform !== 'linux' },
  async (t) => {
    const store = heldBy(t.testdir(), { holder: { ...ownIdentity(), started: '1' } })
    const lease = new Lease(store, clock, lost)
    t.equal(lease.epoch, 8)
    lease.release()
    await store.close()
  },
)

void t.test('a holder that cannot be asked for is believed until it stops renewing', async (t) => {
  for (const stranger of [{ namespace: 'pid:[1]' }, { boot: 'another boot' }]) {
    const holder = { ...ownIdentity(), ...stranger }
    const store = heldBy(t.testdir(), { holder, renewed: now - LEASE_MS + 1 })
    t.throws(() => new Lease(store, clock, lost), { code: 'LOCKED' })
    const later = { now: () => now + 1 }
    const lease = new Lease(store, later, lost)
    t.equal(lease.epoch, 8)
    lease.release()
    await store.close()
  }
})

void t.test('of processes, the state is told by start time, boot and namespace', async (t) => {
  const own = ownIdentity()
  t.equal(processState(own, own), 'runs')
  t.equal(processState({ ...own, pid: await deadProcess() }, own), 'gone')
  t.equal(processState({ ...own, pid: await deadProcess(), started: '' }, own), 'gone')
  t.equal(processState({ ...own, started: '' }, own), 'runs')
  t.equal(processState({ ...own, boot: 'x' }, own), 'unknown')
  t.equal(processState({ ...own, namespace: 'x' }, own), 'unknown')
})
