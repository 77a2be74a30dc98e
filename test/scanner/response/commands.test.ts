import { existsSync, writeFileSync } from 'node:fs'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import type { ScannerCommand } from '../../../runtime/commands.js'
import { uuidv7 } from '../../../runtime/uuid.js'
import { Commands } from '../../../scanner/response/commands.js'
import { Responder } from '../../../scanner/response/responder.js'
import { sha256 } from '../sample-files.js'
import { openResponseFolder } from './response-folder.js'

/** What carries out commands, over a data folder that may have been left by a crash. */
async function started(t: Test) {
  const { data, path, vault, store, ledger, events, now } = await openResponseFolder(t)
  const responder = new Responder({ vault, store, policy: { dry_run: false, kill: false }, data, now })
  const commands = new Commands(responder, { ledger, events, now }, pino({ level: 'silent' }))
  const commandOf = (type: 'quarantine' | 'delete'): ScannerCommand => ({
    id: uuidv7(now()),
    time: now(),
    by: 'person:ann',
    action: { type, path, sha256: sha256('bad') },
    dry_run: false,
  })
  return { path, vault, store, commands, events, commandOf }
}

t.test('what a crash cut off before it was done is done', async (t) => {
  for (const type of ['quarantine', 'delete'] as const) {
    const { path, store, commands, commandOf } = await started(t)
    const command = commandOf(type)
    await store.put(command.id, { state: 'begun', by: command.by })
    t.match(await commands.take(command), { type: 'applied' }, type)
    t.notOk(existsSync(path))
  }
})

t.test('what was done before a crash and not remembered is not done again, nor refused', async (t) => {
  for (const again of [false, true]) {
    const { path, vault, store, commands, commandOf, events } = await started(t)
    const command = commandOf('quarantine')
    await store.put(command.id, { state: 'begun', by: command.by })
    await vault.store(Buffer.from(path), { sha256: sha256('bad'), size: 3 }, [], command.id)
    // Somebody has put another file there meanwhile.
    if (again) writeFileSync(path, 'another')
    t.match(await commands.take(command), { type: 'applied', quarantine: command.id })
    t.equal(existsSync(path), again)
    t.match(await vault.list(), [{ item: { id: command.id } }])
    t.equal(events.depth, 1)
    const second = commandOf('delete')
    await store.put(second.id, { state: 'begun', by: second.by })
    t.match(await commands.take(second), { type: 'applied', done: /is gone/ })
  }
})

t.test('what was done and not told is told', async (t) => {
  const { path, store, commands, commandOf, events } = await started(t)
  const command = commandOf('delete')
  await store.put(command.id, {
    state: 'done',
    by: command.by,
    outcome: { type: 'applied', done: 'deleted it', entries: [] },
  })
  t.match(await commands.take(command), { done: 'deleted it' })
  t.equal(events.depth, 1)
  t.ok(existsSync(path), 'and not done again')
  await commands.take(command)
  t.equal(events.depth, 1, 'once')
})

t.test(
  'what a process that is gone had in hand is carried on, once, and what another has is not',
  async (t) => {
    const { path, store, commands, commandOf, events } = await started(t)
    const mine = commandOf('quarantine')
    await store.begin(mine)
    await commands.resume()
    t.equal(events.depth, 0, 'its process still runs')
    t.ok(existsSync(path))
    const gone = commandOf('quarantine')
    await store.begin(gone)
    await store.unfinished.put(gone.id, { command: gone, process: '1-1' })
    await Promise.all([commands.resume(), commands.resume()])
    t.notOk(existsSync(path))
    t.match(store.takenUp(gone.id), { state: 'told', outcome: { type: 'applied' } })
    t.equal(events.depth, 1)
    await commands.resume()
    t.equal(events.depth, 1)
    t.same([...store.unfinished.getKeys()], [mine.id])
  },
)
