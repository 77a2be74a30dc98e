import t, { type Test } from 'tap'
import type { CommandEvent } from '../../../runtime/events.js'
import { uuidv7 } from '../../../runtime/uuid.js'
import { PersonsActs } from '../../../scanner/response/persons-acts.js'
import { sha256 } from '../sample-files.js'
import { openResponseFolder } from './response-folder.js'

/** A vault with one item, and what persons do to it. */
const started = async (t: Test) => {
  const { path, vault, store, ledger, events, now } = await openResponseFolder(t)
  const item = uuidv7(now())
  await vault.store(Buffer.from(path), { sha256: sha256('bad'), size: 3 }, [], item)
  const act = {
    action: 'discard',
    by: 'person:ann',
    done: `destroyed ${path} in the vault`,
    quarantine: item,
    entry: { kind: 'quarantine.deleted', members: { item: { id: item, sha256: sha256('bad') } } },
  }
  const told = async (): Promise<CommandEvent['data'][]> => {
    const seen: CommandEvent['data'][] = []
    const consumer = events.consume('incidents', async (items) => {
      for (const { bytes } of items)
        seen.push((JSON.parse(Buffer.from(bytes).toString('utf8')) as CommandEvent).data)
    })
    await consumer.drained()
    await consumer.stop()
    return seen
  }
  /** As a process leaves it that was killed. */
  const killed = () => store.acts.put(item, { act, process: '1-1' })
  return {
    acts: new PersonsActs({ ledger, events, now, store, vault }),
    vault,
    store,
    item,
    act,
    told,
    killed,
  }
}

t.test('an act is recorded once it is done', async (t) => {
  const { acts, vault, store, item, act, told } = await started(t)
  await acts.carryOut(item, act, () => vault.delete(item))
  await acts.resume()
  t.match(await told(), [{ action: 'discard', quarantine: item }])
  t.equal(store.acts.getCount(), 0)
})

t.test('an act that failed is not recorded, and its failure is told', async (t) => {
  const { acts, store, item, act, told } = await started(t)
  await t.rejects(
    acts.carryOut(item, act, () => Promise.reject(new Error('no room'))),
    { message: 'no room' },
  )
  t.equal(store.acts.getCount(), 0)
  t.same(await told(), [])
})

t.test('what was done and not recorded by a killed process is recorded, once', async (t) => {
  const { acts, vault, store, item, told, killed } = await started(t)
  await killed()
  await vault.delete(item)
  await Promise.all([acts.resume(), acts.resume()])
  t.match(await told(), [{ action: 'discard', quarantine: item }])
  t.equal(store.acts.getCount(), 0)
})

t.test('what a killed process did not come to is not recorded', async (t) => {
  const { acts, store, told, killed } = await started(t)
  await killed()
  await acts.resume()
  t.same(await told(), [])
  t.equal(store.acts.getCount(), 0)
})

t.test('an act that another process is about is left to it', async (t) => {
  const { acts, vault, store, item, act, told } = await started(t)
  await store.beginAct(item, act)
  await vault.delete(item)
  await acts.resume()
  t.same(await told(), [])
})
