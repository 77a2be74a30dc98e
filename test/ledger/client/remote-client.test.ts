import { createServer, request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import t from 'tap'
import type { Test } from 'tap'
import { parseSessionBundle, formatSessionBundle } from '../../../proofs/bundle.js'
import { encodeHex } from '../../../proofs/bytes.js'
import { leafHash } from '../../../proofs/hashing.js'
import { verifyBundle } from '../../../proofs/verify.js'
import { LedgerClient } from '../../../ledger/client/index.js'
import type { LedgerClientOptions } from '../../../ledger/client/index.js'
import { agent, trust } from '../sample-log.js'
import { ask, jsonOf, start, TOKEN } from '../sample-role.js'

const outbound = { allow: ['127.0.0.0/8'] }
const decision = { kind: 'decision', members: { policy: { id: 'p', rev: '1', decision: 'allow' } } }

async function ledger(t: Test, data = t.testdir(), root = 'alice') {
  const alice = agent(root)
  await trust(data, alice)
  const running = await start(data, { tcp: true })
  t.teardown(() => running.stop())
  const url = `http://${running.role.info['listen']}`
  const policy = (await ask(data, '/.well-known/ledger-policy')).body.toString()
  const options: LedgerClientOptions = {
    url,
    token: TOKEN,
    policy,
    signer: alice,
    outbound,
    maxDelayMs: 10,
    giveUpMs: 10_000,
  }
  return { data, url, options, policy, alice }
}

interface Passing {
  readonly method: string
  readonly target: string
  status: number
  body: Buffer
}

/** A server between client and ledger; `change` may spoil an answer, or drop it by returning false. */
async function between(t: Test, url: string, change: (passing: Passing) => boolean | Promise<boolean>) {
  const server = createServer((incoming, response) => {
    void (async () => {
      const body = await buffer(incoming)
      const method = incoming.method ?? 'GET'
      const target = incoming.url ?? '/'
      const forwarded = httpRequest(new URL(target, url), { method, headers: incoming.headers, agent: false })
      forwarded.end(body)
      const [answer] = (await once(forwarded, 'response')) as [IncomingMessage]
      const passing = { method, target, status: answer.statusCode ?? 0, body: await buffer(answer) }
      if (!(await change(passing))) {
        response.destroy()
        return
      }
      response.writeHead(passing.status, { 'content-type': answer.headers['content-type'] ?? '' })
      response.end(passing.body)
    })().catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

void t.test('actions are recorded, proven and closed', async (t) => {
  const { data, options, policy } = await ledger(t)
  const client = new LedgerClient({ ...options, participants: ['bob'], parent: 'ab'.repeat(32), maxBatch: 8 })
  const recorded = await Promise.all(Array.from({ length: 30 }, () => client.record(decision)))
  t.equal(new Set(recorded.map(({ index }) => index)).size, 30)
  for (const { id, index } of recorded.slice(0, 3)) {
    const { entry } = jsonOf(
      await ask(data, `/v1/entries/${index}`, { headers: { accept: 'application/json' } }),
    )
    t.match(Buffer.from(String(entry), 'base64').toString(), id)
    const receipt = await client.receipt(id)
    t.match(verifyBundle(receipt, policy, { session: client.session }), { ok: true, index })
  }
  await client.close()
  await t.rejects(client.record(decision), { code: 'CLIENT_CLOSED' })
  const bundle = await ask(data, `/v1/bundle/${client.session}`)
  t.match(verifyBundle(bundle.body, policy), {
    ok: true,
    session: {
      state: 'open',
      agents: [
        { agent: 'alice', state: 'closed', count: 32 },
        { agent: 'bob', count: 0 },
      ],
    },
  })
})

void t.test('an answer that is lost is asked for again, and nothing is twice in the log', async (t) => {
  const { data, url, options, policy } = await ledger(t)
  let lost = 0
  const proxy = await between(t, url, ({ method, status }) => {
    if (method !== 'POST') return true
    // The ledger has appended it; the client cannot know.
    if (status === 201) lost++
    return status !== 201
  })
  const client = new LedgerClient({ ...options, url: proxy, maxBatch: 3 })
  await Promise.all(Array.from({ length: 7 }, () => client.record(decision)))
  await client.close()
  t.ok(lost >= 3, `${lost} answers were lost`)
  const { body } = await ask(data, `/v1/bundle/${client.session}`)
  t.match(verifyBundle(body, policy), { ok: true, session: { state: 'closed', agents: [{ count: 9 }] } })
})

void t.test('a ledger that is away is waited for, but not for ever', async (t) => {
  const { data, url, options } = await ledger(t)
  let refusals = 3
  const proxy = await between(t, url, (passing) => {
    if (refusals > 0) passing.status = 503
    refusals--
    return true
  })
  const patient = new LedgerClient({ ...options, url: proxy })
  t.type((await patient.record(decision)).index, 'number')
  await patient.close()
  const size = jsonOf(await ask(data, '/health'))['size']
  const deaf = await between(t, url, () => false)
  const client = new LedgerClient({ ...options, url: deaf, giveUpMs: 300 })
  await t.rejects(client.record(decision), { code: 'UNRECORDED' })
  await t.rejects(client.record(decision), { code: 'UNRECORDED' }, 'a gap is not gone over')
  await t.rejects(client.flush(), { code: 'UNRECORDED' })
  await t.rejects(client.close(), { code: 'UNRECORDED' })
  t.ok(Number(jsonOf(await ask(data, '/health'))['size']) > Number(size), 'it was appended all the same')
})

void t.test('what the ledger refuses is told as it says it', async (t) => {
  const { options } = await ledger(t)
  const stranger = new LedgerClient({ ...options, signer: agent('mallory') })
  await t.rejects(stranger.record(decision), { code: 'REFUSED', message: /403 unknown_key/ })
  await t.rejects(stranger.close())
  const tokenless = new LedgerClient({ ...options, token: 'wrong' })
  await t.rejects(tokenless.record(decision), { code: 'REFUSED', message: /401 unauthorized/ })
  await t.rejects(tokenless.close())
  const careful = new LedgerClient(options)
  await t.rejects(careful.record({ kind: 'no.such.kind', members: {} }), { code: 'MALFORMED_ACTION' })
  t.type((await careful.record(decision)).index, 'number', 'and costs no number')
  await careful.close()
  t.throws(() => new LedgerClient({ ...options, outbound: { allow: [] } }), { code: 'OUTBOUND_REFUSED' })
  t.throws(() => new LedgerClient({ ...options, maxBatch: 5000 }), RangeError)
})

void t.test('a lying ledger is not believed', async (t) => {
  const base = t.testdir({ one: {}, other: {} })
  const { url, options, alice } = await ledger(t, join(base, 'one'))
  const isBundle = ({ target }: Passing) => target.startsWith('/v1/bundle/')
  const spoilt =
    (change: (bundle: ReturnType<typeof parseSessionBundle>) => object) => (passing: Passing) => {
      if (isBundle(passing)) {
        const bundle = parseSessionBundle(passing.body)
        passing.body = Buffer.from(formatSessionBundle({ ...bundle, ...change(bundle) }))
      }
      return true
    }
  const other = await ledger(t, join(base, 'other'), 'bob')
  await trust(other.data, alice)
  const honest = new LedgerClient(options)
  await honest.record(decision)
  let earlier: Buffer | undefined
  const lies: Record<string, (passing: Passing) => boolean> = {
    'a proof of another tree': spoilt(({ proof }) => ({ proof: [...proof, new Uint8Array(32)] })),
    'a checkpoint that is not signed': spoilt(({ checkpoint }) => ({
      checkpoint: Buffer.from(
        Buffer.from(checkpoint)
          .toString()
          .replace(/\n(\d+)\n/, '\n9$1\n'),
      ),
    })),
    'an entry that was changed': spoilt(({ entries }) => ({
      entries: entries.with(0, {
        ...entries[0]!,
        entry: Buffer.from(Buffer.from(entries[0]!.entry).toString().replace('"ts":1', '"ts":2')),
      }),
    })),
    'other indexes than it proves': (passing) => {
      if (passing.method === 'POST')
        passing.body = Buffer.from(
          passing.body.toString().replaceAll(/"index":(\d+)/g, (_, n) => `"index":${Number(n) - 1}`),
        )
      return true
    },
    'no indexes': (passing) => {
      if (passing.method === 'POST') passing.body = Buffer.from('{}')
      return true
    },
    'the proof of an earlier batch': (passing) => {
      if (!isBundle(passing)) return true
      earlier ??= passing.body
      passing.body = earlier
      return true
    },
  }
  for (const [what, lie] of Object.entries(lies)) {
    const client = new LedgerClient({ ...options, url: await between(t, url, lie) })
    const outcome = client.record(decision).then(() => client.record(decision))
    await t.rejects(outcome, { code: 'UNPROVEN' }, what)
    await t.rejects(client.close(), { code: 'UNPROVEN' })
  }
  const elsewhere = new LedgerClient({ ...options, url: other.url })
  await t.rejects(
    elsewhere.record(decision),
    { code: 'UNPROVEN', message: /unknown_key/ },
    'a ledger with another key',
  )
  await t.rejects(elsewhere.close())
  const silent = await between(t, url, (passing) => {
    if (passing.method === 'POST')
      passing.body = Buffer.from(
        JSON.stringify({ entries: [{ index: 900 }, { index: 901 }, { index: 902 }] }),
      )
    return true
  })
  const dropped = new LedgerClient({ ...options, url: silent })
  await t.rejects(dropped.record(decision), { code: 'REFUSED', message: /404/ }, 'entries that are nowhere')
  await t.rejects(dropped.close())

  const { id } = await honest.record(decision)
  const false_ = await between(t, url, (passing) => {
    if (passing.target.includes('/receipt'))
      passing.body = Buffer.from(passing.body.toString().replace('"index":', '"index":1'))
    return true
  })
  const doubting = new LedgerClient({ ...options, url: false_ })
  await t.rejects(doubting.receipt(id), { code: 'UNPROVEN' })
  await doubting.close()
  t.type(encodeHex(leafHash(await honest.receipt(id))), 'string')
  await honest.close()
})
