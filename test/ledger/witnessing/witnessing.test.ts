import { cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { parseAddCheckpoint } from '../../../proofs/add-checkpoint.js'
import { parseSignedCheckpoint, verifyCheckpoint } from '../../../proofs/checkpoint.js'
import { generateSeed } from '../../../proofs/ed25519.js'
import { parseEquivocationProof, verifyEquivocationProof } from '../../../proofs/equivocation-proof.js'
import { leafHash } from '../../../proofs/hashing.js'
import { cosignatureTime, cosigner, decodeVkey, encodeVkey, noteSigner } from '../../../proofs/note-key.js'
import { formatSignatureLine, parseNote } from '../../../proofs/signed-note.js'
import { parseTlogProof, verifyTlogProof } from '../../../proofs/tlog-proof.js'
import { verifyBundle } from '../../../proofs/verify.js'
import { BIN, Serving, start as startProcess } from '../../acceptance/product.js'
import type { OperationalEvent } from '../../../runtime/events.js'
import { batch, note } from '../sample-log.js'
import { ask, jsonOf, start } from '../sample-role.js'
import type { Answer, Running } from '../sample-role.js'
import { encodeEntryBundle } from '../../../proofs/tile.js'
import { impostor, line, lineOf, LOOPBACK, makeLog, startWitnessed, witness } from './sample-witnesses.js'

const post = (data: string, body: Uint8Array, query = '', type = 'text/x.portcullis.note'): Promise<Answer> =>
  ask(data, `/v1/entries${query}`, { method: 'POST', headers: { 'content-type': type }, body })

/** Asks again until the answer is as wanted; what is asked shows no event to wait for. */
async function until(data: string, target: string, wanted: (answer: Answer) => boolean): Promise<Answer> {
  for (;;) {
    const answer = await ask(data, target)
    if (wanted(answer)) return answer
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const witnessedSize = (size: number) => (answer: Answer) =>
  answer.status === 200 && parseSignedCheckpoint(answer.body).checkpoint.size >= size

async function eventsOf(running: Running): Promise<OperationalEvent[]> {
  const events: OperationalEvent[] = []
  const consumer = running.events.consume('test', async (items) => {
    for (const { bytes } of items) events.push(JSON.parse(Buffer.from(bytes).toString()) as OperationalEvent)
  })
  await consumer.drained()
  await consumer.stop()
  return events
}

/** Stops whatever is there at the end of a test. */
function stopping<T extends { stop(): Promise<void> }>(t: Test, one: T): T {
  t.teardown(() => one.stop())
  return one
}

void t.test(
  'two of three witnesses make the quorum, and everything that proves an entry carries it',
  async (t) => {
    const base = t.testdir({ log: {}, one: {}, two: {} })
    const data = join(base, 'log')
    const { vkey, alice } = await makeLog(data)
    const [one, two] = await Promise.all(
      ['one', 'two'].map(async (name) => stopping(t, await witness(join(base, name), vkey))),
    )
    const down = cosigner(noteSigner('down.example', generateSeed()), () => 0)
    const policy = [
      lineOf('one', one!),
      lineOf('two', two!),
      line('down', encodeVkey(down), '127.0.0.1:1'),
      'group most 2 one two down',
      'quorum most',
    ]
    const running = stopping(t, await startWitnessed(data, policy))
    const trusted = [`log ${vkey}`, ...policy, `agent ${encodeVkey(alice)}`, ''].join('\n')

    const entry = note(alice)
    const created = await post(data, entry, '?wait=witnessed')
    t.equal(created.status, 201)
    t.equal(created.headers['portcullis-quorum'], 'met')
    const keys = [vkey, one!.info['vkey']!, two!.info['vkey']!].map(decodeVkey)
    const { note: head } = verifyTlogProof(parseTlogProof(created.body), leafHash(entry), keys)
    t.equal(head.signatures.length, 3, 'signed by the log and two witnesses')

    const receipt = await ask(data, '/v1/entries/0/receipt')
    t.match(verifyBundle(receipt.body, trusted, { clock: { now: Date.now } }), { ok: true, index: 0 })
    const strict = trusted.replace('group most 2', 'group most all')
    t.match(verifyBundle(receipt.body, strict), { ok: false, code: 'quorum_unmet' })

    const sealed = batch(alice, 1, 5)
    const type = 'application/x.portcullis.entries'
    t.equal((await post(data, encodeEntryBundle(sealed), '?wait=witnessed', type)).status, 201)
    for (let index = 0; index < 7; index++)
      t.match(verifyBundle((await ask(data, `/v1/entries/${index}/receipt`)).body, trusted), {
        ok: true,
        index,
      })
    const proof = parseTlogProof((await ask(data, '/v1/entries/3/proof')).body)
    t.equal(verifyTlogProof(proof, leafHash(sealed[2]!), keys).note.signatures.length, 3)

    for (const target of ['/checkpoint', '/v1/checkpoint/witnessed']) {
      const { body } = await ask(data, target)
      const { checkpoint, verification } = verifyCheckpoint(body, keys)
      t.match({ size: checkpoint.size, lines: verification.verified.length }, { size: 7, lines: 3 }, target)
    }
    t.match(jsonOf(await ask(data, '/health')), {
      status: 'ok',
      quorum: 'met',
      witnessed_size: 7,
      equivocations: 0,
    })
    t.equal(running.role.checks.witnesses(), undefined)
    const metrics = await running.role.metrics()
    t.match(metrics, /^portcullis_ledger_witnessed_entries 7$/m)
    t.match(metrics, /^portcullis_ledger_witness_quorum 1$/m)
    t.match(metrics, /^portcullis_ledger_witness_failures_total\{witness="down"\} [1-9]/m)
    t.match(metrics, /^portcullis_ledger_witness_cosigned_time_seconds\{witness="two"\} \d+/m)
    t.same(jsonOf(await ask(data, '/v1/equivocations')), { equivocations: [] })
  },
)

void t.test(
  'without its quorum a request that wants it fails closed, or open when that is chosen',
  async (t) => {
    const data = t.testdir()
    const { vkey, alice } = await makeLog(data)
    const silent = await impostor(() => undefined)
    t.teardown(() => silent.close())
    const policy = [silent.line('silent'), 'quorum silent']
    const settings = { wait_seconds: 0.2, timeout_seconds: 0.3 }
    let running = await startWitnessed(data, policy, settings)
    const entry = note(alice)
    const closed = await post(data, entry, '?wait=witnessed')
    t.equal(closed.status, 503)
    t.match(jsonOf(closed), { code: 'quorum_unmet', detail: /\/v1\/entries\/0 is in the log/ })
    t.match(closed.headers, { location: '/v1/entries/0', 'retry-after': '5' })
    t.same((await ask(data, '/v1/entries/0')).body, Buffer.from(entry), 'the entry stands in the log')
    t.equal((await post(data, entry)).status, 200, 'who does not want the quorum is served')
    t.match(jsonOf(await ask(data, '/v1/checkpoint/witnessed')), { status: 404, code: 'quorum_unmet' })
    t.match(jsonOf(await ask(data, '/health')), { status: 'ok', quorum: 'unmet' })
    t.match(running.role.checks.witnesses(), /the quorum silent does not cosign/)
    await running.stop()

    running = stopping(t, await startWitnessed(data, policy, { ...settings, failure: 'open' }))
    const opened = await post(data, note(alice), '?wait=witnessed')
    t.equal(opened.status, 201)
    t.equal(opened.headers['portcullis-quorum'], 'unmet')
    t.equal(parseNote(parseTlogProof(opened.body).checkpoint).signatures.length, 1)
    verifyTlogProof(parseTlogProof(opened.body), leafHash((await ask(data, '/v1/entries/1')).body), [
      decodeVkey(vkey),
    ])
    t.equal(running.role.checks.witnesses(), undefined)
  },
)

void t.test('nobody waits for witnesses that there are none of', async (t) => {
  const data = t.testdir()
  const { alice } = await makeLog(data)
  stopping(t, await start(data))
  const answer = await post(data, note(alice), '?wait=witnessed')
  t.match(jsonOf(answer), { status: 400, code: 'bad_request', detail: /no witnesses/ })
  t.match(jsonOf(await ask(data, '/health')), { size: 0 }, 'and nothing was appended')
  t.equal((await post(data, note(alice), '?wait=forever')).status, 400)
  t.equal((await ask(data, '/v1/checkpoint/witnessed')).status, 404)
})

void t.test('a witness that lies, stalls or floods counts for nothing and holds nothing up', async (t) => {
  const base = t.testdir({ log: {}, good: {} })
  const data = join(base, 'log')
  const { vkey, alice } = await makeLog(data)
  const good = stopping(t, await witness(join(base, 'good'), vkey))
  const stranger = cosigner(noteSigner('stranger.example', generateSeed()), () => Date.now())
  const signedBy = (key: typeof stranger, body: Buffer): string => {
    const { textBytes } = parseNote(parseAddCheckpoint(body).checkpoint)
    return formatSignatureLine({ name: key.name, keyId: key.keyId, signature: key.sign(textBytes) })
  }
  const liars = await Promise.all([
    impostor((_, response) => response.end(Buffer.alloc(1_000_000, 'x'))),
    impostor(() => undefined),
    impostor((_, response) => response.end('')),
    impostor((_, response) => response.end('no signature line\n')),
    impostor((body, response) => response.end(signedBy(stranger, body))),
    impostor((body, response, _, key) => {
      const wrong = { ...key, sign: (text: Uint8Array) => key.sign(Buffer.concat([text, Buffer.from('x')])) }
      response.end(signedBy(wrong, body))
    }),
    impostor((body, response, _, key) => {
      const line = signedBy(key, body)
      response.end(line.slice(0, -10) + line.slice(-6))
    }),
    impostor((_, response) => response.writeHead(409, { 'content-type': 'text/x.tlog.size' }).end('99999\n')),
    impostor((_, response) => response.writeHead(409).end('07\n')),
    impostor((_, response) => response.writeHead(409).end('9'.repeat(50_000))),
    impostor((_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()),
    impostor((_, response) => response.writeHead(422).end('{}')),
    impostor((_, response) => response.destroy()),
  ])
  for (const liar of liars) t.teardown(() => liar.close())
  const names = liars.map((_, i) => `liar${i}`)
  const policy = [
    lineOf('good', good),
    ...liars.map((liar, i) => liar.line(`liar${i}`)),
    'group any any good',
    'quorum any',
  ]
  const running = stopping(t, await startWitnessed(data, policy, { timeout_seconds: 0.5 }))
  for (let i = 0; i < 5; i++)
    t.equal((await post(data, note(alice, { seq: i }), '?wait=witnessed')).status, 201)
  const { body } = await ask(data, '/v1/checkpoint/witnessed')
  t.equal(parseNote(body).signatures.length, 2, 'the cosignature of no impostor gets in')
  for (const name of names) {
    const failed = new RegExp(`^portcullis_ledger_witness_failures_total\\{witness="${name}"\\} [1-9]`, 'm')
    while (!failed.test(await running.role.metrics())) await new Promise((resolve) => setTimeout(resolve, 20))
  }
  t.match(
    (await eventsOf(running)).map(({ data }) => data.code),
    ['WITNESS_AHEAD'],
    'an absurd size is announced, once',
  )
})

void t.test('cosignatures of strangers beside a good one are left out', async (t) => {
  const base = t.testdir({ log: {} })
  const data = join(base, 'log')
  const { alice } = await makeLog(data)
  const stranger = cosigner(noteSigner('stranger.example', generateSeed()), () => Date.now())
  const chatty = await impostor((body, response, _, key) => {
    const { textBytes } = parseNote(parseAddCheckpoint(body).checkpoint)
    const lines = [stranger, key, stranger].map((one) =>
      formatSignatureLine({ name: one.name, keyId: one.keyId, signature: one.sign(textBytes) }),
    )
    response.end(lines.join(''))
  })
  t.teardown(() => chatty.close())
  stopping(t, await startWitnessed(data, [chatty.line('chatty'), 'quorum chatty']))
  t.equal((await post(data, note(alice), '?wait=witnessed')).status, 201)
  const { signatures } = parseNote((await ask(data, '/v1/checkpoint/witnessed')).body)
  t.same(
    signatures.map(({ name }) => name).filter((name) => name === 'stranger.example'),
    [],
  )
  t.equal(signatures.length, 2)
})

void t.test('a cosignature that somebody kept for later is not taken', async (t) => {
  const data = t.testdir()
  const { alice } = await makeLog(data)
  const late = await impostor((body, response, _, key) => {
    const old = cosigner({ ...key, sign: () => Buffer.alloc(64) }, () => 0)
    const { textBytes } = parseNote(parseAddCheckpoint(body).checkpoint)
    response.end(formatSignatureLine({ name: key.name, keyId: key.keyId, signature: old.sign(textBytes) }))
  })
  t.teardown(() => late.close())
  stopping(t, await startWitnessed(data, [late.line('late'), 'quorum late'], { wait_seconds: 0.2 }))
  t.equal((await post(data, note(alice), '?wait=witnessed')).status, 503)
})

void t.test(
  'checkpoints are asked for one at a time, the newest only, each proven from the last',
  async (t) => {
    const data = t.testdir()
    const { alice } = await makeLog(data)
    let inFlight = 0
    let most = 0
    let release: (() => void)[] = []
    const slow = await impostor((body, response, _, key) => {
      most = Math.max(most, ++inFlight)
      const { textBytes } = parseNote(parseAddCheckpoint(body).checkpoint)
      release.push(() => {
        inFlight--
        response.end(
          formatSignatureLine({ name: key.name, keyId: key.keyId, signature: key.sign(textBytes) }),
        )
      })
    })
    t.teardown(() => slow.close())
    stopping(t, await startWitnessed(data, [slow.line('slow'), 'quorum slow']))
    while (release.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    for (let i = 0; i < 30; i++) await post(data, note(alice, { seq: i }))
    t.equal(slow.requests.length, 1, 'the first one is still under way')
    const answerAll = async (): Promise<void> => {
      for (const go of release.splice(0)) go()
    }
    await answerAll()
    while (release.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    const [first, second] = slow.requests.map((body) => parseAddCheckpoint(body))
    t.equal(parseSignedCheckpoint(first!.checkpoint).checkpoint.size, 0)
    t.match(second, { oldSize: 0, proof: [] })
    t.equal(parseSignedCheckpoint(second!.checkpoint).checkpoint.size, 30, 'those in between are left out')
    await post(data, note(alice, { seq: 30 }))
    await answerAll()
    while (release.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    const third = parseAddCheckpoint(slow.requests[2]!)
    t.equal(third.oldSize, 30)
    t.ok(third.proof.length > 0)
    release.push = (go: () => void) => (go(), 0)
    await answerAll()
    await until(data, '/v1/checkpoint/witnessed', witnessedSize(31))
    t.equal(most, 1)
  },
)

void t.test('a checkpoint that stays is cosigned again', async (t) => {
  const base = t.testdir({ log: {}, one: {} })
  const data = join(base, 'log')
  const { vkey } = await makeLog(data)
  const one = stopping(t, await witness(join(base, 'one'), vkey))
  stopping(t, await startWitnessed(data, [lineOf('one', one), 'quorum one'], { refresh_seconds: 1 }))
  const time = (answer: Answer): bigint =>
    answer.status !== 200
      ? 0n
      : parseNote(answer.body).signatures.reduce(
          (all, { signature }) => all + (cosignatureTime(signature) ?? 0n),
          0n,
        )
  const first = time(await until(data, '/v1/checkpoint/witnessed', (answer) => time(answer) > 0n))
  const later = await until(data, '/v1/checkpoint/witnessed', (answer) => time(answer) > first)
  t.equal(parseNote(later.body).signatures.length, 2, 'by the same witness, once')
})

void t.test('what was witnessed outlives a restart, of the log and of the witness', async (t) => {
  const base = t.testdir({ log: {}, one: {} })
  const data = join(base, 'log')
  const { vkey, alice } = await makeLog(data)
  let one = await witness(join(base, 'one'), vkey)
  const policy = [lineOf('one', one), 'quorum one']
  let running = await startWitnessed(data, policy)
  t.equal((await post(data, note(alice), '?wait=witnessed')).status, 201)
  const before = (await ask(data, '/v1/checkpoint/witnessed')).body
  await one.stop()
  await post(data, note(alice, { seq: 1 }))
  await running.stop()

  running = stopping(t, await startWitnessed(data, policy, { wait_seconds: 20 }))
  t.same((await ask(data, '/v1/checkpoint/witnessed')).body, before, 'though nobody can be asked')
  t.equal(
    parseNote(parseTlogProof((await ask(data, '/v1/entries/0/proof')).body).checkpoint).signatures.length,
    2,
  )
  t.equal(
    parseNote(parseTlogProof((await ask(data, '/v1/entries/1/proof')).body).checkpoint).signatures.length,
    1,
  )
  const waiting = post(data, note(alice, { seq: 2 }), '?wait=witnessed')
  one = stopping(t, await witness(join(base, 'one'), vkey, one.info['listen']))
  t.equal((await waiting).status, 201, 'the witness is asked again once it is back')

  await running.stop()
  const other = cosigner(noteSigner('other.example', generateSeed()), () => 0)
  const moved = stopping(
    t,
    await startWitnessed(data, [line('x', encodeVkey(other), '127.0.0.1:1'), 'quorum x']),
  )
  t.equal((await ask(data, '/v1/checkpoint/witnessed')).status, 404, 'another quorum has not seen it')
  t.ok(moved)
})

void t.test('a log that was forked is found out, by its witness and by itself', async (t) => {
  const base = t.testdir({ log: {}, fork: {}, one: {} })
  const [data, forked] = [join(base, 'log'), join(base, 'fork')]
  const { vkey, alice, origin } = await makeLog(data)
  const one = stopping(t, await witness(join(base, 'one'), vkey))
  const policy = [lineOf('one', one), 'quorum one']
  let running = await startWitnessed(data, policy)
  for (let i = 0; i < 3; i++) await post(data, note(alice, { seq: i }), '?wait=witnessed')
  await running.stop()
  await cp(data, forked, { recursive: true })

  running = await startWitnessed(data, policy)
  for (let i = 3; i < 8; i++) await post(data, note(alice, { seq: i }), '?wait=witnessed')
  await running.stop()

  running = await startWitnessed(forked, policy, { wait_seconds: 1 })
  // Taken back to 3 entries, with others behind them now.
  while ((await eventsOf(running)).every(({ data }) => data.code !== 'WITNESS_AHEAD'))
    await new Promise((resolve) => setTimeout(resolve, 10))
  for (let i = 3; i < 10; i++) await post(forked, note(alice, { seq: i }))
  t.equal((await post(forked, note(alice, { seq: 10 }), '?wait=witnessed')).status, 503)
  const found = await until(forked, '/v1/equivocations', ({ body }) => body.includes('first'))
  const [proof] = jsonOf(found)['equivocations'] as object[]
  const read = parseEquivocationProof(Buffer.from(`${JSON.stringify(proof)}\n`))
  t.match(verifyEquivocationProof(read, [decodeVkey(vkey)]), { origin, size: 8 })
  t.match(running.role.checks.witnesses(), /signed two histories/)
  t.match(await eventsOf(running), [{ severity: 'critical', data: { code: 'EQUIVOCATION' } }])
  await running.stop()

  running = stopping(
    t,
    await start(forked, { config: { witnesses: { policy: `${policy.join('\n')}\n` } }, outbound: LOOPBACK }),
  )
  t.match(
    jsonOf(await ask(forked, '/v1/equivocations'))['equivocations'],
    [proof],
    'it is still there after a restart',
  )
  t.match(jsonOf(await ask(forked, '/health')), { equivocations: 1 })
})

void t.test('witnesses are asked at permitted addresses only', async (t) => {
  const data = t.testdir()
  const { alice } = await makeLog(data)
  const inside = await impostor((_, response) => response.end('x'))
  t.teardown(() => inside.close())
  const witnesses = { policy: `${inside.line('inside')}\nquorum inside\n`, wait_seconds: 0.2 }
  const running = stopping(t, await start(data, { config: { witnesses } }))
  t.equal((await post(data, note(alice), '?wait=witnessed')).status, 503)
  t.match(running.role.checks.witnesses(), /OUTBOUND_REFUSED/)
  t.equal(inside.requests.length, 0)
})

void t.test('a kept checkpoint of another history convicts the log without any witness', async (t) => {
  const base = t.testdir({ log: {}, fork: {}, one: {} })
  const [data, forked] = [join(base, 'log'), join(base, 'fork')]
  const { vkey, alice } = await makeLog(data)
  await cp(data, forked, { recursive: true })
  const one = stopping(t, await witness(join(base, 'one'), vkey))
  const policy = [lineOf('one', one), 'quorum one']
  let running = await startWitnessed(data, policy)
  t.equal((await post(data, note(alice), '?wait=witnessed')).status, 201)
  await running.stop()
  running = await start(forked)
  await post(forked, note(alice))
  await running.stop()
  await cp(join(data, 'ledger', 'witnessed'), join(forked, 'ledger', 'witnessed'))
  running = stopping(t, await startWitnessed(forked, policy))
  t.match(jsonOf(await ask(forked, '/health')), { equivocations: 1 })
  t.equal((jsonOf(await ask(forked, '/v1/equivocations'))['equivocations'] as object[]).length, 1)
  t.match(running.role.checks.witnesses(), /signed two histories/)
})

/** Kills the ledger of a data folder between any two steps of a round, again and again. */
void t.test('kill -9 of the log never takes back what a witness cosigned', async (t) => {
  const base = t.testdir({ log: {}, one: {} })
  const data = join(base, 'log')
  const { vkey, alice } = await makeLog(data)
  const one = stopping(t, await witness(join(base, 'one'), vkey))
  const file = join(base, 'portcullis.yaml')
  const policy = `${lineOf('one', one)}\nquorum one\n`
  await writeFile(
    file,
    JSON.stringify({ ledger: { witnesses: { policy, interval_seconds: 0 } }, outbound: LOOPBACK }),
  )
  const kills = Number(process.env['LEDGER_KILLS'] ?? 5)
  let seq = 0
  let acknowledged = 0
  for (let kill = 0; kill < kills; kill++) {
    const args = [BIN, 'ledger', '--config', file, '--data', data]
    const serving = new Serving(startProcess(process.execPath, args, {}))
    await serving.wrote(/ledger serves/, 'stderr')
    for (let left = 3 + kill; ; left--) {
      // Somewhere in the next append, or in the round after it.
      if (left === 0) setTimeout(() => serving.child.kill('SIGKILL'), (kill * 7) % 20)
      const answer = await post(data, note(alice, { seq: seq++ }), '?wait=witnessed').catch(() => undefined)
      if (answer?.status !== 201) break
      acknowledged = parseTlogProof(answer.body).index + 1
    }
    await serving.ended
    t.notMatch(serving.stderr, /WITNESS_AHEAD|EQUIVOCATION|not believed/)
  }
  const running = stopping(t, await startWitnessed(data, policy.trim().split('\n')))
  const { body } = await ask(data, '/v1/checkpoint/witnessed')
  t.ok(parseSignedCheckpoint(body).checkpoint.size >= acknowledged, `${acknowledged} entries were witnessed`)
  t.equal((await post(data, note(alice, { seq }), '?wait=witnessed')).status, 201)
  t.equal(running.role.checks.witnesses(), undefined)
})
