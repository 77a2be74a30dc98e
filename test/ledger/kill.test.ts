import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { parseCheckpoint } from '../../proofs/checkpoint.js'
import { leafHash } from '../../proofs/hashing.js'
import { verifyConsistency } from '../../proofs/merkle.js'
import { decodeVkey } from '../../proofs/note-key.js'
import { encodeEntryBundle } from '../../proofs/tile.js'
import { parseTlogProof, verifyTlogProof } from '../../proofs/tlog-proof.js'
import { readIdentity } from '../../ledger/identity.js'
import { agent, batch, note, open, trust } from './sample-log.js'
import { compile } from './compiled.js'
import { seededRandom } from './simulated-disk.js'
import { post } from './sample-role.js'

/** Times that the ledger is killed; the full run is `PORTCULLIS_KILLS=1000`. */
const KILLS = Number(process.env['PORTCULLIS_KILLS'] ?? 50)
const WRITERS = 8
/** Processes that are loaded and wait, because loading takes much longer than what is tested. */
const WARM = 2
const BUNDLE = { 'content-type': 'application/x.portcullis.entries' }

void t.test('kill -9 while entries are appended loses none that was acknowledged', async (t) => {
  const base = t.testdir({ data: {}, compiled: {} })
  const data = join(base, 'data')
  await compile(join(base, 'compiled'))
  const program = join(base, 'compiled', 'test', 'ledger', 'ledger-process.js')
  const { NODE_OPTIONS: _, ...env } = process.env
  const random = seededRandom(9)
  const alice = agent('alice')
  await trust(data, alice)

  const warm: { child: ChildProcess; loaded: Promise<unknown> }[] = []
  const refill = (): void => {
    while (warm.length < WARM) {
      const child = fork(program, [data], {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        execArgv: [],
        env,
      })
      warm.push({ child, loaded: once(child, 'message') })
    }
  }
  t.teardown(() => warm.forEach(({ child }) => child.kill('SIGKILL')))

  /** By index: the leaf hash that was acknowledged for it. */
  const acknowledged = new Map<number, string>()
  const heads = new Map<number, string>()
  let reused = 0
  let seq = 0

  for (let kill = 0; kill < KILLS; kill++) {
    refill()
    const { child, loaded } = warm.shift()!
    await loaded
    refill()
    const ready = once(child, 'message')
    child.send('start')
    await ready
    const identity = await readIdentity(join(data, 'ledger'))
    const keys = [decodeVkey(identity!.vkey)]
    const exited = once(child, 'exit')
    const acknowledgements = 1 + Math.floor(random() * 20)
    let seen = 0
    let dead = false
    const write = async (writer: number): Promise<void> => {
      while (!dead) {
        const entries = writer % 2 === 0 ? [note(alice, { seq: seq++ })] : batch(alice, (seq += 3), 3)
        const answer = await post(
          data,
          writer % 2 === 0 ? entries[0]! : encodeEntryBundle(entries),
          writer % 2 === 0 ? {} : BUNDLE,
        ).catch(() => undefined)
        if (answer?.status !== 201) return
        const proof = parseTlogProof(answer.body)
        const { checkpoint, note: head } = verifyTlogProof(proof, leafHash(entries.at(-1)!), keys)
        entries.forEach((entry, i) => {
          const index = proof.index - entries.length + 1 + i
          if (acknowledged.has(index)) reused++
          acknowledged.set(index, Buffer.from(leafHash(entry)).toString('hex'))
        })
        const known = heads.get(checkpoint.size)
        if (known !== undefined && known !== head.text)
          t.fail(`two checkpoints of ${checkpoint.size} entries`)
        heads.set(checkpoint.size, head.text)
        if (++seen >= acknowledgements && !dead) {
          dead = true
          // Anywhere inside the next appends, which the other writers have under way.
          if (random() < 0.5) setTimeout(() => child.kill('SIGKILL'), random() * 4)
          else child.kill('SIGKILL')
        }
      }
    }
    await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)))
    if (!dead) child.kill('SIGKILL')
    const [, signal] = (await exited) as [number | null, string | null]
    if (signal !== 'SIGKILL') t.fail(`the ledger ended by itself: ${signal}`)
  }

  const log = await open(join(data, 'ledger'), [])
  const { size, root } = log.published
  t.equal(reused, 0, 'no index was given twice')
  t.ok(acknowledged.size >= KILLS, `${acknowledged.size} of ${size} entries were acknowledged`)
  let lost = 0
  for (const [index, leaf] of acknowledged) {
    const present = index < size && Buffer.from(leafHash(await log.entry(index))).toString('hex') === leaf
    if (!present) lost++
  }
  t.equal(lost, 0, 'all of them are there')
  let inconsistent = 0
  for (const [older, text] of heads) {
    const checkpoint = parseCheckpoint(text)
    if (!verifyConsistency(older, size, log.consistency(older, size), checkpoint.root, root)) inconsistent++
  }
  t.equal(inconsistent, 0, `all ${heads.size} checkpoints are of one log`)
  await log.close()
})
