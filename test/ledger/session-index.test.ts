import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { open as openLmdb } from 'lmdb'
import t from 'tap'
import { formatAction, signAction } from '../../proofs/action.js'
import type { ActionPayload } from '../../proofs/action.js'
import { sealBatch } from '../../proofs/seal.js'
import { sessionCompleteness } from '../../proofs/session.js'
import { SessionIndex } from '../../ledger/session-index.js'
import { randomSource } from '../proofs/random.js'
import { agent, append, batch, decision, note, open } from './sample-log.js'

function openIndex(folder: string) {
  const root = openLmdb({ path: folder, noSubdir: false, maxDbs: 8 })
  return { root, index: new SessionIndex(root) }
}

void t.test(
  'numbers that come in any order, twice or not at all are told as the verifier tells them',
  async (t) => {
    const { root, index } = openIndex(t.testdir())
    const random = randomSource(5)
    for (let round = 0; round < 120; round++) {
      const session = `s-${round}`
      const actions: ActionPayload[] = []
      let at = 0
      const units = 1 + random.below(6)
      for (let u = 0; u < units; u++) {
        const name = ['alice', 'bob'][random.below(2)]!
        const first =
          random.below(3) === 0 ? random.below(12) : actions.filter((a) => a.agent === name).length
        const count = 1 + random.below(4)
        await root.transaction(() =>
          index.putUnit({ session, agent: name, first, count, index: at, entries: count + 1 }),
        )
        for (let i = 0; i < count; i++) actions.push(decision(name, { session, seq: first + i }))
        at += count + 1
      }
      if (random.below(2) === 0) {
        const seq =
          random.below(3) === 0 ? random.below(15) : actions.filter((a) => a.agent === 'alice').length
        const count = random.below(3) === 0 ? random.below(15) : seq
        await root.transaction(() => {
          index.putUnit({ session, agent: 'alice', first: seq, count: 1, index: at, entries: 1 })
          index.putClose({ session, agent: 'alice', seq, count })
        })
        actions.push({ ...decision('alice', { session, seq, count }), kind: 'session.close' })
      }
      const leaves = actions.map((action, i) => ({ action, leaf: Buffer.from(`${i}`) }))
      const expected = sessionCompleteness(leaves).map((one) => ({
        agent: one.agent,
        state: one.state,
        actions: one.count,
      }))
      const found = index
        .record(session, [])!
        .agents.map(({ agent: name, state, actions: n }) => ({ agent: name, state, actions: n }))
      const sorted = expected.toSorted((a, b) => (a.agent < b.agent ? -1 : 1))
      t.same(found, sorted, JSON.stringify(actions.map(({ agent: a, seq, kind }) => [a, seq, kind])))
    }
    t.equal(index.record('s-none', ['alice']), undefined)
    await root.close()
  },
)

void t.test(
  'an agent that counts in order costs one range, and gaps that close become one again',
  async (t) => {
    const { root, index } = openIndex(t.testdir())
    const put = (first: number, count: number, at: number) =>
      root.transaction(() =>
        index.putUnit({ session: 's', agent: 'a', first, count, index: at, entries: count }),
      )
    for (let i = 0; i < 50; i++) await put(i * 10, 10, i * 10)
    t.match(index.record('s', []), { state: 'open', missing: 0, agents: [{ actions: 500, forks: 0 }] })
    await put(600, 5, 600)
    t.match(index.record('s', ['a', 'b']), {
      state: 'gap',
      missing: 100,
      agents: [{ actions: 505 }, { agent: 'b', state: 'open' }],
    })
    await put(500, 100, 700)
    t.match(index.record('s', []), { state: 'open', missing: 0 })
    await put(604, 2, 800)
    t.match(index.record('s', []), { state: 'forked', agents: [{ actions: 606, forks: 1 }] })
    t.same(index.units('s', 595, 2), [
      { index: 600, entries: 5 },
      { index: 700, entries: 100 },
    ])
    t.equal(index.hasBefore('s', 0), false)
    t.equal(index.hasBefore('s', 1), true)
    await root.close()
  },
)

void t.test(
  'the log keeps the rows with its checkpoint, and makes them anew when they are gone',
  async (t) => {
    const folder = t.testdir()
    const [alice, bob] = [agent('alice'), agent('bob')]
    let log = await open(folder, [alice, bob])
    await append(log, [note(alice, { seq: 0 }), ...batch(alice, 1, 3), note(bob, { seq: 1 })])
    const hash = 'cd'.repeat(32)
    const call = { ...decision('bob', { seq: 2 }), in: { alg: 'sha256', hash } }
    const sealedCall = formatAction({ ...decision('alice', { seq: 4 }), in: { alg: 'sha256', hash } })
    await append(log, [
      signAction(call, [bob]),
      sealedCall,
      sealBatch({ agent: 'alice', session: 'session-1', first: 4, entries: [sealedCall] }, alice),
    ])
    const check = () => {
      t.match(log.session('session-1'), {
        state: 'gap',
        missing: 1,
        agents: [
          { agent: 'alice', state: 'open', actions: 5 },
          { agent: 'bob', state: 'gap', missing: 1, actions: 2 },
        ],
      })
      // Index 0 registers bob's key.
      t.same(log.sessionUnits('session-1', 0, 10), [
        { index: 1, entries: 1 },
        { index: 2, entries: 4 },
        { index: 6, entries: 1 },
        { index: 7, entries: 1 },
        { index: 8, entries: 2 },
      ])
      t.same(log.indexesOfCommitment(hash, 0, 10), [7, 8])
      t.same(log.indexesOfCommitment(hash, 8, 10), [8])
      t.throws(() => log.session('session-2'), { code: 'NOT_FOUND' })
    }
    check()
    await log.close()
    log = await open(folder, [])
    check()
    await log.close()
    // As an index that an older version left: the checkpoint is there, the rows are not.
    const root = openLmdb({ path: join(folder, 'index'), noSubdir: false, maxDbs: 16 })
    await root.openDB('session-numbers', { encoding: 'json' }).clearAsync()
    await root.openDB('state', { encoding: 'json' }).remove('version')
    await root.close()
    log = await open(folder, [])
    check()
    await log.close()
    await rm(folder, { recursive: true })
  },
)
