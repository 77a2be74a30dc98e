/** A real disk error: the kernel's answer to an fdatasync of the running ledger is replaced with EIO. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { leafHash } from '../../proofs/hashing.js'
import { verifyConsistency } from '../../proofs/merkle.js'
import { decodeVkey } from '../../proofs/note-key.js'
import type { Checkpoint } from '../../proofs/checkpoint.js'
import { parseTlogProof, verifyTlogProof } from '../../proofs/tlog-proof.js'
import { readIdentity } from '../../ledger/identity.js'
import { agent, note, open } from './sample-log.js'
import { ask, post } from './sample-role.js'

const PORTCULLIS = fileURLToPath(new URL('../../bin/portcullis', import.meta.url))
/** The test runner puts its loader into every Node process below it; `env` takes it out again. */
const CLEAN = ['env', '-u', 'NODE_OPTIONS', '-u', 'NODE_V8_COVERAGE']
/** Which sync of a thread fails: of the write-ahead log, or of the index that records the checkpoint. */
const FAILING = [10, 14, 25, 60]

/** Starts the ledger and waits until it answers; it ends by itself. */
async function serve(data: string, failing: number) {
  const inject = `inject=fdatasync:error=EIO:when=${failing}`
  const args = ['-f', '-qq', '-o', '/dev/null', '-e', 'trace=fdatasync', '-e', inject]
  const ledger = [...CLEAN, process.execPath, PORTCULLIS, 'ledger', '--data', data]
  const child = spawn('strace', [...args, ...ledger], { stdio: 'ignore' })
  const ended = once(child, 'exit') as Promise<[number | null, string | null]>
  const isUp = async (): Promise<boolean> =>
    ask(data, '/health').then(
      ({ status }) => status === 200,
      () => false,
    )
  while (child.exitCode === null && !(await isUp())) await pause(25)
  return { child, ended }
}

void t.test('after a sync that failed nothing is acknowledged, and all that was is there', async (t) => {
  const data = join(t.testdir({}), 'data')
  const alice = agent('alice')
  await (await open(join(data, 'ledger'), [alice])).close()
  const identity = await readIdentity(join(data, 'ledger'))
  const keys = [decodeVkey(identity!.vkey)]
  const acknowledged = new Map<number, Uint8Array>()
  const heads: Checkpoint[] = []
  let seq = 0

  for (const failing of FAILING) {
    const { child, ended } = await serve(data, failing)
    t.teardown(() => child.kill('SIGKILL'))
    for (;;) {
      const entry = note(alice, { seq: seq++ })
      const answer = await post(data, entry).catch(() => undefined)
      if (answer?.status !== 201) break
      const proof = parseTlogProof(answer.body)
      const { checkpoint } = verifyTlogProof(proof, leafHash(entry), keys)
      if (acknowledged.has(proof.index)) t.fail(`index ${proof.index} was given twice`)
      acknowledged.set(proof.index, leafHash(entry))
      heads.push(checkpoint)
    }
    const [code, signal] = await ended
    t.equal(signal ?? code, 'SIGKILL', 'the ledger ends itself at once')
  }

  const log = await open(join(data, 'ledger'), [])
  const { size, root } = log.published
  let lost = 0
  for (const [index, leaf] of acknowledged) {
    if (index >= size || Buffer.compare(leafHash(await log.entry(index)), leaf) !== 0) lost++
  }
  t.ok(acknowledged.size > 0, `${acknowledged.size} of ${size} entries were acknowledged`)
  t.equal(lost, 0, 'all of them are there')
  const isPrefix = (head: Checkpoint): boolean =>
    verifyConsistency(head.size, size, log.consistency(head.size, size), head.root, root)
  t.ok(heads.every(isPrefix), 'every checkpoint is of one history')
  await log.close()
})
