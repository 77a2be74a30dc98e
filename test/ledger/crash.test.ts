import { join } from 'node:path'
import t from 'tap'
import { parseSignedCheckpoint } from '../../proofs/checkpoint.js'
import { leafHash } from '../../proofs/hashing.js'
import { verifyConsistency, verifyInclusion } from '../../proofs/merkle.js'
import type { Log } from '../../ledger/log.js'
import { agent, append, batch, note, open } from './sample-log.js'
import { PowerLoss, seededRandom, SimulatedDisk } from './simulated-disk.js'
import type { Survival } from './simulated-disk.js'

/** Crash points; the full run is `PORTCULLIS_CRASH_POINTS=1000`. Two crashes each. */
const POINTS = Number(process.env['PORTCULLIS_CRASH_POINTS'] ?? 54)

/** Whether an error goes back to the power loss. */
function isPowerLoss(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof PowerLoss) return true
  return false
}

void t.test('whatever was acknowledged survives a power loss at any point', async (t) => {
  const alice = agent('alice')
  const base = t.testdir()
  let crashes = 0
  for (let point = 0; point < POINTS; point++) {
    const random = seededRandom(point)
    const survival = (['nothing', 'some', 'everything'] as const satisfies readonly Survival[])[point % 3]
    const folder = join(base, String(point))
    const acknowledged = new Map<number, Uint8Array>()
    const heads: Uint8Array[] = []
    let disk = new SimulatedDisk()
    // Two crashes each: one while appending, one while recovering or appending again.
    for (const round of [1, 2]) {
      disk.crashAt(1 + Math.floor(random() * (round === 1 ? 45 : 12)))
      let log: Log | undefined
      try {
        log = await open(folder, [alice], { disk, segmentBytes: 4_000 })
        const running = log
        heads.push(log.published.note)
        for (let i = 0; i < 12; i++) {
          const groups = [[note(alice)], batch(alice, i * 3, 3), [note(alice)]]
          await Promise.all(
            groups.map(async (entries) => {
              const appended = await append(running, entries)
              appended.forEach(({ index }, at) => {
                t.notOk(acknowledged.has(index), 'no index is given twice')
                acknowledged.set(index, entries[at]!)
              })
            }),
          )
          heads.push(log.published.note)
        }
      } catch (error) {
        if (!isPowerLoss(error)) throw error
        crashes++
      }
      await log?.close()
      disk = disk.restart(random, survival ?? 'some')
    }
    const log = await open(folder, [alice], { disk })
    const { size, root } = log.published
    for (const [index, entry] of acknowledged) {
      const bytes = await log.entry(index)
      t.ok(Buffer.compare(bytes, entry) === 0, `entry ${index} is there`)
      t.ok(verifyInclusion(index, size, leafHash(entry), log.inclusion(index), root))
    }
    for (const head of heads) {
      const { checkpoint } = parseSignedCheckpoint(head)
      if (checkpoint.size === 0) continue
      t.ok(
        verifyConsistency(
          checkpoint.size,
          size,
          log.consistency(checkpoint.size, size),
          checkpoint.root,
          root,
        ),
      )
    }
    await append(log, [note(alice)])
    t.equal(log.published.size, size + 1)
    await log.close()
  }
  t.ok(crashes >= POINTS * 0.9, `${crashes} crashes`)
})
