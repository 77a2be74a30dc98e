import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import t from 'tap'
import type { Test } from 'tap'
import { formatAddCheckpoint } from '../../../proofs/add-checkpoint.js'
import { signCheckpoint, verifyCheckpoint } from '../../../proofs/checkpoint.js'
import { parseEquivocationProof, verifyEquivocationProof } from '../../../proofs/equivocation-proof.js'
import { leafHash } from '../../../proofs/hashing.js'
import { cosignatureTime, decodeVkey, noteSigner } from '../../../proofs/note-key.js'
import { generateSeed } from '../../../proofs/ed25519.js'
import { appendSignatures, formatNote, parseNote } from '../../../proofs/signed-note.js'
import { SampleTree } from './sample-tree.js'
import { add, ask, startWitnessProcess } from './witness-process.js'
import type { Answer, WitnessProcess } from './witness-process.js'

const refuses = (t: Test, answer: Answer, status: number, code: string, message: string): void => {
  t.equal(answer.status, status, message)
  t.match(JSON.parse(answer.body.toString()), { status, code }, message)
}

/** The times that the witness put into its cosignatures of a checkpoint. */
function cosigned(t: Test, answer: Answer, checkpoint: Uint8Array, log: SampleTree, vkey: string): bigint[] {
  t.equal(answer.status, 200, answer.body.toString())
  t.match(answer.type, /^text\/plain/)
  t.match(answer.body.toString(), /^— witness\.example\/[0-9a-f]{16} \S+\n$/)
  const whole = Buffer.concat([checkpoint, answer.body])
  const { verification } = verifyCheckpoint(whole, [decodeVkey(log.vkey), decodeVkey(vkey)])
  const mine = verification.verified.filter(({ verifier }) => verifier.type === 0x04)
  t.equal(mine.length, 1)
  return mine.map(({ signature }) => cosignatureTime(signature.signature) ?? 0n)
}

void t.test('a witness answers as the table of C2SP tlog-witness says', async (t) => {
  const log = new SampleTree()
  const data = t.testdir()
  const witness = await startWitnessProcess(data, [{ vkey: log.vkey }])
  t.teardown(() => witness.serving.stop('SIGKILL'))
  const head = `${witness.url}/${log.hash}/checkpoint`

  refuses(t, await ask(head), 404, 'not_found', 'nothing is cosigned yet')
  const stranger = new SampleTree('stranger.example')
  refuses(t, await add(witness, stranger.request(0, 3)), 404, 'not_found', 'a log that is not followed')

  const before = BigInt(Math.floor(Date.now() / 1000))
  const [time = 0n] = cosigned(t, await add(witness, log.request(0, 5)), log.checkpoint(5), log, witness.vkey)
  t.ok(time >= before && time <= before + 60n, 'with the time of the cosignature')
  cosigned(t, await add(witness, log.request(5, 9)), log.checkpoint(9), log, witness.vkey)
  cosigned(t, await add(witness, log.request(9, 9)), log.checkpoint(9), log, witness.vkey)

  const served = await ask(head)
  const { checkpoint, verification } = verifyCheckpoint(served.body, [log.vkey, witness.vkey].map(decodeVkey))
  t.equal(checkpoint.size, 9, 'monitors get the newest one')
  t.equal(verification.verified.length, 2, 'with the signatures of the log and the witness')

  const conflict = await add(witness, log.request(5, 12))
  t.match(conflict, { status: 409, type: 'text/x.tlog.size' })
  t.equal(conflict.body.toString(), '9\n')
  t.equal((await add(witness, log.request(0, 12))).body.toString(), '9\n', 'old 0 asks for the size')
  t.equal((await add(witness, log.request(5, 7))).status, 409, 'an older checkpoint')

  const body = (changes: Partial<Parameters<typeof formatAddCheckpoint>[0]>): Uint8Array =>
    formatAddCheckpoint({ oldSize: 9, proof: log.proof(9, 12), checkpoint: log.checkpoint(12), ...changes })
  refuses(t, await add(witness, body({ oldSize: 13 })), 400, 'malformed_proof', 'old above the size')
  refuses(t, await add(witness, Buffer.from('old 9\n')), 400, 'malformed_proof', 'no checkpoint')
  refuses(t, await add(witness, Buffer.from('old 9\n\nnonsense\n')), 400, 'malformed_note', 'no note')
  refuses(t, await add(witness, Buffer.alloc(0)), 400, 'malformed_proof', 'nothing')

  const forged = { origin: log.origin, size: 12, root: log.root(12) }
  const alien = noteSigner(log.origin, generateSeed())
  const unsigned = body({ checkpoint: signCheckpoint(forged, [alien]) })
  refuses(t, await add(witness, unsigned), 403, 'unknown_key', 'a stranger under the name of the log')
  const note = parseNote(log.checkpoint(12))
  const [signature] = note.signatures
  const flipped = Buffer.from(signature!.signature)
  flipped[5]! ^= 1
  const broken = formatNote(note.textBytes, [{ ...signature!, signature: flipped }])
  refuses(t, await add(witness, body({ checkpoint: broken })), 403, 'bad_signature', 'a signature that fails')
  const twice = appendSignatures(log.checkpoint(12), [{ ...signature!, signature: flipped }])
  refuses(
    t,
    await add(witness, body({ checkpoint: twice })),
    403,
    'bad_signature',
    'one that fails beside a good one',
  )

  refuses(t, await add(witness, body({ proof: [] })), 422, 'inconsistent', 'no proof')
  refuses(t, await add(witness, body({ proof: log.proof(8, 12) })), 422, 'inconsistent', 'a wrong proof')
  refuses(t, await add(witness, log.request(9, 12, 'fork')), 422, 'inconsistent', 'another history')
  refuses(t, await add(witness, log.request(9, 9, 'fork')), 422, 'equivocation', 'another root of one size')
  refuses(
    t,
    await add(witness, body({ proof: [log.root(1)], checkpoint: log.checkpoint(9) })),
    422,
    'inconsistent',
    'a proof where none is needed',
  )

  refuses(t, await ask(`${witness.url}/add-checkpoint`), 405, 'method_not_allowed', 'GET')
  refuses(t, await ask(head, { method: 'POST' }), 405, 'method_not_allowed', 'POST to the monitors')
  refuses(t, await ask(`${witness.url}/elsewhere`), 404, 'not_found', 'another path')
  refuses(t, await add(witness, Buffer.alloc(70_000, 'x')), 413, 'too_large', 'a large body')
  t.equal((await ask(head, { method: 'HEAD' })).status, 200)

  const extra = appendSignatures(log.checkpoint(12), [{ ...signature!, name: 'other.example', keyId: 7 }])
  const answer = await add(witness, body({ checkpoint: extra }))
  cosigned(t, answer, log.checkpoint(12), log, witness.vkey)
  t.notMatch(
    (await ask(head)).body.toString(),
    'other.example',
    'signatures of unknown keys are not passed on',
  )

  t.match(JSON.parse((await ask(`${witness.admin}/health`)).body.toString()), { status: 'ok' })
  t.equal((await ask(`${witness.admin}/ready`)).status, 200)
  const metrics = (await ask(`${witness.admin}/metrics`)).body.toString()
  t.match(metrics, /^portcullis_witness_answers_total\{status="200"\} [1-9]/m)
  t.match(metrics, /^portcullis_witness_answers_total\{status="409"\} 3$/m)
  t.match(metrics, /^portcullis_witness_equivocations_total 1$/m)
})

void t.test('the empty tree has one root, and takes no proof', async (t) => {
  const log = new SampleTree()
  const witness = await startWitnessProcess(t.testdir(), [{ vkey: log.vkey }])
  t.teardown(() => witness.serving.stop('SIGKILL'))
  const text = `${log.origin}\n0\n${Buffer.from(leafHash(Buffer.from('x'))).toString('base64')}\n`
  const note = { name: log.origin, keyId: log.signer.keyId, signature: log.signer.sign(Buffer.from(text)) }
  const wrong = formatNote(Buffer.from(text), [note])
  const request = (proof: readonly Uint8Array[], checkpoint: Uint8Array, oldSize = 0): Uint8Array =>
    formatAddCheckpoint({ oldSize, proof, checkpoint })
  refuses(t, await add(witness, request([], wrong)), 422, 'bad_root', 'another root of nothing')
  refuses(
    t,
    await add(witness, request([log.root(1)], log.checkpoint(3))),
    422,
    'inconsistent',
    'a proof from 0',
  )
  cosigned(t, await add(witness, log.request(0, 0)), log.checkpoint(0), log, witness.vkey)
  cosigned(t, await add(witness, log.request(0, 3)), log.checkpoint(3), log, witness.vkey)
})

void t.test('a lying log is convicted, and the proof outlives a restart', async (t) => {
  const log = new SampleTree()
  const data = t.testdir()
  let witness = await startWitnessProcess(data, [{ vkey: log.vkey }])
  t.teardown(() => witness.serving.stop('SIGKILL'))
  const list = async (): Promise<unknown[]> => {
    const { body } = await ask(`${witness.url}/${log.hash}/equivocations`)
    return (JSON.parse(body.toString()) as { equivocations: unknown[] }).equivocations
  }
  await add(witness, log.request(0, 6))
  t.same(await list(), [])
  t.equal((await add(witness, log.request(0, 6, 'fork'))).status, 409, 'also when the old size is wrong')
  t.equal((await add(witness, log.request(6, 6, 'fork'))).status, 422)
  const proofs = await list()
  t.equal(proofs.length, 1, 'the same proof is kept once')
  const proof = parseEquivocationProof(Buffer.from(`${JSON.stringify(proofs[0])}\n`))
  t.match(verifyEquivocationProof(proof, [decodeVkey(log.vkey)]), { origin: log.origin, size: 6 })
  t.match(witness.serving.stderr, /EQUIVOCATION/)
  t.equal((await add(witness, log.request(6, 7))).status, 200)
  t.equal((await add(witness, log.request(0, 6, 'late'))).status, 409)
  t.equal((await list()).length, 2, 'what was cosigned before counts, too')
  proofs.splice(0, 1, ...(await list()))
  t.match(await witness.serving.stop(), { code: 0 })

  witness = await startWitnessProcess(data, [{ vkey: log.vkey }])
  t.same(await list(), proofs)
  refuses(
    t,
    await add(witness, log.request(7, 8, 'fork')),
    422,
    'inconsistent',
    'it still holds to the first story',
  )
  t.equal((await ask(`${witness.url}/${'0'.repeat(64)}/equivocations`)).status, 404)
})

void t.test('of checkpoints that race, one history is cosigned, by two processes, too', async (t) => {
  const data = t.testdir()
  const logs = Array.from({ length: 12 }, (_, i) => new SampleTree(`log${i}.example`))
  const followed = logs.map(({ vkey }) => ({ vkey }))
  const first = await startWitnessProcess(data, followed)
  t.teardown(() => first.serving.stop('SIGKILL'))
  const second = await startWitnessProcess(data, followed)
  t.teardown(() => second.serving.stop('SIGKILL'))
  t.equal(first.vkey, second.vkey)
  for (const [round, log] of logs.entries()) {
    await add(first, log.request(0, 1))
    const bodies = [
      log.request(1, 2),
      log.request(1, 3),
      log.request(1, 2, 'fork', 1),
      log.request(1, 9, 'fork', 1),
    ]
    const turned = [...bodies.slice(round % 4), ...bodies.slice(0, round % 4)]
    const answers = await Promise.all(turned.map((body, i) => add(i % 2 === 0 ? first : second, body)))
    const good = answers.filter(({ status }) => status === 200)
    t.equal(good.length, 1, `one of ${answers.length}`)
    const won = turned[answers.findIndex(({ status }) => status === 200)]!
    const head = (await ask(`${second.url}/${log.hash}/checkpoint`)).body.toString().split('\n').slice(0, 3)
    t.ok(Buffer.from(won).toString().includes(head.join('\n')), 'and it is the one that stands')
  }
})

/** Passes bytes on to a witness and kills it as soon as it answers; the answer gets lost. */
async function deadlyProxy(witness: WitnessProcess): Promise<{ url: string; close(): void }> {
  const { port } = new URL(witness.url)
  const proxy = createServer((client) => {
    const upstream = connect(Number(port), '127.0.0.1')
    client.pipe(upstream)
    upstream.on('data', () => {
      witness.serving.child.kill('SIGKILL')
      client.destroy()
    })
    for (const socket of [client, upstream]) socket.on('error', () => client.destroy())
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, close: () => proxy.close() }
}

void t.test('a witness that dies before its answer arrives has not forgotten', async (t) => {
  const log = new SampleTree()
  const data = t.testdir()
  let size = 0
  for (const next of [4, 7, 15]) {
    const witness = await startWitnessProcess(data, [{ vkey: log.vkey }])
    const proxy = await deadlyProxy(witness)
    await t.rejects(add(proxy, log.request(size, next)))
    proxy.close()
    await witness.serving.ended
    size = next
  }
  const witness = await startWitnessProcess(data, [{ vkey: log.vkey }])
  t.teardown(() => witness.serving.stop('SIGKILL'))
  t.equal((await add(witness, log.request(7, 20))).body.toString(), '15\n')
  refuses(
    t,
    await add(witness, log.request(15, 15, 'fork')),
    422,
    'equivocation',
    'another story at the lost size',
  )
  cosigned(t, await add(witness, log.request(15, 15)), log.checkpoint(15), log, witness.vkey)
})

void t.test('kill -9 at any moment takes back nothing that was cosigned', async (t) => {
  const log = new SampleTree()
  const data = t.testdir()
  const kills = Number(process.env['WITNESS_KILLS'] ?? 8)
  let cosignedSize = 0
  for (let kill = 0; kill < kills; kill++) {
    const witness = await startWitnessProcess(data, [{ vkey: log.vkey }])
    const served = await add(witness, log.request(0, 1))
    let size = served.status === 409 ? Number(served.body.toString()) : 1
    if (size < cosignedSize) t.fail(`the witness is back at ${size}, having cosigned ${cosignedSize}`)
    setTimeout(() => witness.serving.child.kill('SIGKILL'), 5 + ((kill * 37) % 60))
    for (;;) {
      const answer = await add(witness, log.request(size, size + 1)).catch(() => undefined)
      if (answer?.status !== 200) break
      size += 1
      cosignedSize = size
    }
    await witness.serving.ended
  }
  t.ok(cosignedSize > kills, `${cosignedSize} checkpoints over ${kills} kills`)
})

void t.test('what one address may send is bounded, for each log', async (t) => {
  const [busy, quiet] = [new SampleTree('busy.example'), new SampleTree('quiet.example')]
  const witness = await startWitnessProcess(t.testdir(), [
    { vkey: busy.vkey, requests_per_minute: 12, max_body_bytes: 2048 },
    { vkey: quiet.vkey },
  ])
  t.teardown(() => witness.serving.stop('SIGKILL'))
  t.equal((await add(witness, busy.request(0, 1))).status, 200)
  t.equal((await add(witness, busy.request(1, 2))).status, 200)
  const limited = await fetch(`${witness.url}/add-checkpoint`, {
    method: 'POST',
    body: Buffer.from(busy.request(2, 3)),
  })
  t.equal(limited.status, 429)
  t.ok(Number(limited.headers.get('retry-after')) >= 1)
  t.equal((await add(witness, quiet.request(0, 1))).status, 200, 'another log has its own')
  const [signature] = parseNote(busy.checkpoint(3)).signatures
  const padded = appendSignatures(
    busy.checkpoint(3),
    Array.from({ length: 30 }, (_, i) => ({ ...signature!, name: `w${i}.example` })),
  )
  const large = formatAddCheckpoint({ oldSize: 2, proof: busy.proof(2, 3), checkpoint: padded })
  refuses(t, await add(witness, large), 413, 'too_large', 'the size of a body is bounded for each log, too')
})

void t.test('a witness that follows nothing, or itself, does not start', async (t) => {
  const data = t.testdir()
  await t.rejects(startWitnessProcess(data, []), { message: /BAD_WITNESSES: witness\.logs is empty/ })
  await t.rejects(startWitnessProcess(data, [{ vkey: 'log+00000000+AAAA' }]), {
    message: /witness\.logs\[?\.?0\]?\.vkey/,
  })
})
