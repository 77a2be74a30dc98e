import t from 'tap'
import type { Test } from 'tap'
import { formatAction, signAction } from '../../../proofs/action.js'
import { parseSessionBundle } from '../../../proofs/bundle.js'
import { encodeHex } from '../../../proofs/bytes.js'
import { leafHash } from '../../../proofs/hashing.js'
import { sealBatch } from '../../../proofs/seal.js'
import { encodeEntryBundle } from '../../../proofs/tile.js'
import { verifyBundle } from '../../../proofs/verify.js'
import { agent, batch, decision, note, trust } from '../sample-log.js'
import { ask, jsonOf, post, start } from '../sample-role.js'

const BUNDLE = { 'content-type': 'application/x.portcullis.entries' }

async function running(t: Test) {
  const data = t.testdir()
  t.teardown(() => role.stop())
  const alice = agent('alice')
  const bob = agent('bob')
  await trust(data, alice)
  const role = await start(data)
  await trust(data, bob)
  const policy = async () => (await ask(data, '/.well-known/ledger-policy')).body
  return { data, alice, bob, policy }
}

void t.test('a session says how whole it is, and its bundle proves it', async (t) => {
  const { data, alice, bob, policy } = await running(t)
  const session = 'work/one'
  const path = encodeURIComponent(session)
  t.equal((await ask(data, `/v1/sessions/${path}`)).status, 404)
  t.equal((await ask(data, `/v1/bundle/${path}`)).status, 404)
  t.equal((await ask(data, '/v1/sessions/Not%20a%20name')).status, 400)
  const { policy: _, ...bare } = decision('alice', { session }) as unknown as Record<string, unknown>
  const opening = { ...bare, kind: 'session.open', participants: ['alice', 'bob'] }
  await post(data, signAction(opening as never, [alice]))
  await post(data, note(bob, { session: 'other' }))
  await post(data, encodeEntryBundle(batch(alice, 1, 3, session)), BUNDLE)
  const state = async () => jsonOf(await ask(data, `/v1/sessions/${path}`))
  t.match(await state(), {
    session,
    participants: ['alice', 'bob'],
    completeness: { state: 'open', missing: 0 },
    agents: [
      { agent: 'alice', state: 'open', actions: 4 },
      { agent: 'bob', actions: 0 },
    ],
    size: 7,
  })
  await post(data, note(bob, { session, seq: 1 }))
  t.match(await state(), { completeness: { state: 'gap', missing: 1 } })
  const gap = await ask(data, `/v1/bundle/${path}`)
  t.match(verifyBundle(gap.body, await policy()), { ok: false, code: 'seq_gap', session: { state: 'gap' } })
  await post(data, note(bob, { session, seq: 0 }))
  const close = (by: typeof alice, seq: number) => {
    const { policy: __, ...rest } = decision(by.name, { session, seq, count: seq }) as unknown as Record<
      string,
      unknown
    >
    return signAction({ ...rest, kind: 'session.close' } as never, [by])
  }
  await post(data, close(alice, 4))
  t.match(await state(), { completeness: { state: 'open' } }, 'bob did not close')
  await post(data, close(bob, 2))
  t.match(await state(), { completeness: { state: 'closed' } })
  const whole = await ask(data, `/v1/bundle/${path}`)
  t.match(verifyBundle(whole.body, await policy(), { session }), {
    ok: true,
    session: { state: 'closed', entries: 9 },
  })
  await post(data, note(bob, { session, seq: 0 }))
  t.match(await state(), { completeness: { state: 'forked' }, agents: [{}, { forks: 1 }] })
  t.match(verifyBundle((await ask(data, `/v1/bundle/${path}`)).body, await policy()), { code: 'forked' })
})

void t.test('a long session is cut behind whole batches, and says so', async (t) => {
  const { data, alice, policy } = await running(t)
  for (let i = 0; i < 4; i++) await post(data, encodeEntryBundle(batch(alice, i * 5, 5, 's')), BUNDLE)
  const seen: number[] = []
  let from = 0
  for (let pages = 0; ; pages++) {
    const { body } = await ask(data, `/v1/bundle/s?from=${from}&limit=7`)
    const bundle = parseSessionBundle(body)
    seen.push(...bundle.entries.map(({ index }) => index))
    t.match(verifyBundle(body, await policy()), { ok: false, code: 'truncated' })
    t.equal(bundle.from, pages === 0 ? undefined : from)
    if (bundle.next === undefined) break
    from = bundle.next
  }
  t.same(
    seen,
    Array.from({ length: 24 }, (_, i) => i),
  )
  t.equal((await ask(data, '/v1/bundle/s?limit=0')).status, 400)
  t.equal((await ask(data, '/v1/bundle/s?limit=20000')).status, 400)
  t.equal((await ask(data, '/v1/bundle/s?from=24')).status, 404)
})

void t.test('entries are found by leaf and by commitment', async (t) => {
  const { data, alice } = await running(t)
  const hash = 'ab'.repeat(32)
  const one = note(alice)
  await post(data, one)
  const calls = Array.from({ length: 120 }, (_, i) =>
    formatAction(decision('alice', { seq: 1 + i, in: { alg: 'sha256', hash } })),
  )
  const seal = sealBatch({ agent: 'alice', session: 'session-1', first: 1, entries: calls }, alice)
  await post(data, encodeEntryBundle([...calls, seal]), BUNDLE)
  const look = async (query: string) => jsonOf(await ask(data, `/v1/lookup?${query}`))
  t.same(await look(`leaf=${encodeHex(leafHash(one))}`), { entries: [0] })
  t.same(await look(`leaf=${encodeHex(leafHash(seal))}`), { entries: [121] })
  t.same(await look(`leaf=${'00'.repeat(32)}`), { entries: [] })
  const first = await look(`commitment=${hash}`)
  t.same(first, { entries: Array.from({ length: 100 }, (_, i) => i + 1), next: 101 })
  t.same(await look(`commitment=${hash}&from=101`), {
    entries: Array.from({ length: 20 }, (_, i) => i + 101),
  })
  for (const bad of ['', 'leaf=AB', `leaf=${hash}&commitment=${hash}`, `commitment=${hash}&from=-1`])
    t.match(await look(bad), { code: 'bad_request' }, bad)
})
