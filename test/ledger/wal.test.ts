import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { realDisk } from '../../ledger/disk.js'
import type { Disk } from '../../ledger/disk.js'
import { LedgerError } from '../../ledger/errors.js'
import { openWal } from '../../ledger/wal.js'
import type { WriteAheadLog } from '../../ledger/wal.js'
import { FRAME_HEADER_BYTES, SEGMENT_HEADER_BYTES } from '../../ledger/wal-frame.js'
import { PowerLoss, seededRandom, SimulatedDisk } from './simulated-disk.js'
import type { Survival } from './simulated-disk.js'

const entry = (text: string): Uint8Array => Buffer.from(text)
const texts = (entries: readonly Uint8Array[]): string[] =>
  entries.map((bytes) => Buffer.from(bytes).toString())

async function open(
  directory: string,
  options: { disk?: Disk; minimum?: number; segmentBytes?: number } = {},
): Promise<{ wal: WriteAheadLog; recovered: string[] }> {
  const recovered: string[] = []
  const wal = await openWal({
    disk: options.disk ?? realDisk,
    directory,
    minimum: options.minimum ?? 0,
    ...(options.segmentBytes !== undefined && { segmentBytes: options.segmentBytes }),
    onRecovered: (_first, entries) => recovered.push(...texts(entries)),
  })
  return { wal, recovered }
}

void t.test('appends get contiguous indexes in the order of their calls and survive a restart', async (t) => {
  const directory = t.testdir()
  const { wal } = await open(directory)
  const firsts = await Promise.all([
    wal.append([entry('a')]),
    wal.append([entry('b'), entry('c'), entry('')]),
    wal.append([entry('d')]),
  ])
  t.same(firsts, [0, 1, 4])
  t.same(texts(await wal.read(0, 5)), ['a', 'b', 'c', '', 'd'])
  t.same(texts(await wal.read(2, 2)), ['c', ''])
  await t.rejects(wal.read(4, 2), { code: 'NOT_FOUND' })
  await wal.close()
  await t.rejects(wal.append([entry('late')]), { code: 'STOPPED' })

  const again = await open(directory)
  t.same(again.recovered, ['a', 'b', 'c', '', 'd'])
  t.equal(await again.wal.append([entry('e')]), 5)
  await again.wal.close()
})

void t.test('many submitters share one sync', async (t) => {
  const disk = new SimulatedDisk()
  const { wal } = await open('/wal', { disk })
  await wal.append([entry('first')])
  const before = disk.syncs
  await Promise.all(Array.from({ length: 500 }, (_, i) => wal.append([entry(`entry ${i}`)])))
  t.equal(disk.syncs - before, 1)
  t.equal(wal.size, 501)
  await wal.close()
})

void t.test('segments follow each other, and a read crosses them', async (t) => {
  const directory = t.testdir()
  const { wal } = await open(directory, { segmentBytes: 400 })
  for (let i = 0; i < 40; i++) await wal.append([entry(`entry number ${i}`)])
  t.ok((await realDisk.list(directory)).length > 4)
  t.equal(texts(await wal.read(0, 40)).at(-1), 'entry number 39')
  await wal.close()
  const again = await open(directory, { segmentBytes: 400, minimum: 40 })
  t.equal(again.recovered.length, 40)
  await again.wal.close()
})

void t.test('limits have names', async (t) => {
  const { wal } = await open(t.testdir())
  await t.rejects(wal.append([new Uint8Array(65_536)]), { code: 'TOO_LARGE' })
  await t.rejects(wal.append([]), { code: 'TOO_LARGE' })
  const many = Array.from({ length: 520 }, () => new Uint8Array(65_535))
  await t.rejects(wal.append(many), { code: 'TOO_LARGE' })
  t.equal(await wal.append([new Uint8Array(65_535)]), 0)
  await wal.close()
})

void t.test('a torn tail is cut off at every length, and nothing before it', async (t) => {
  const directory = t.testdir()
  const { wal } = await open(directory)
  await wal.append([entry('kept 1'), entry('kept 2')])
  const file = join(directory, '00000000000000000000.wal')
  const kept = (await readFile(file)).length
  await wal.append([entry('torn 1'), entry('torn 2')])
  await wal.close()
  const whole = await readFile(file)
  for (let length = kept + 1; length < whole.length; length++) {
    await writeFile(file, whole.subarray(0, length))
    const { wal, recovered } = await open(directory, { minimum: 2 })
    t.same(recovered, ['kept 1', 'kept 2'])
    t.same(wal.truncated, { file: '00000000000000000000.wal', offset: kept, bytes: length - kept })
    await wal.close()
    t.equal((await readFile(file)).length, kept)
  }
  await writeFile(file, Buffer.concat([whole.subarray(0, kept), Buffer.alloc(5000)]))
  const zeros = await open(directory)
  t.equal(zeros.wal.truncated?.bytes, 5000, 'so is a tail of zeros')
  t.equal(await zeros.wal.append([entry('next')]), 2)
  await zeros.wal.close()
})

void t.test('a tail that a checkpoint covers is not cut off', async (t) => {
  const directory = t.testdir()
  const { wal } = await open(directory)
  await wal.append([entry('one')])
  await wal.append([entry('two')])
  await wal.close()
  const file = join(directory, '00000000000000000000.wal')
  const whole = await readFile(file)
  await writeFile(file, whole.subarray(0, whole.length - 1))
  const offset = SEGMENT_HEADER_BYTES + FRAME_HEADER_BYTES + 5
  await t.rejects(open(directory, { minimum: 2 }), { code: 'WAL_DAMAGED', detail: { offset } })
  t.equal((await readFile(file)).length, whole.length - 1, 'and the file is left as it was')
  await writeFile(file, '')
  await t.rejects(open(directory, { minimum: 2 }), { code: 'WAL_DAMAGED' })
})

void t.test('every flipped bit before the last frame is refused, naming where', async (t) => {
  const directory = t.testdir()
  const { wal } = await open(directory)
  for (const text of ['alpha', 'beta', 'gamma']) await wal.append([entry(text)])
  await wal.close()
  const file = join(directory, '00000000000000000000.wal')
  const whole = await readFile(file)
  const lastFrame = whole.length - FRAME_HEADER_BYTES - 2 - 'gamma'.length
  let refused = 0
  for (let at = 0; at < lastFrame; at++) {
    const bytes = Buffer.from(whole)
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8))
    await writeFile(file, bytes)
    const error = await open(directory).then(
      () => undefined,
      (error: unknown) => error,
    )
    if (
      error instanceof LedgerError &&
      error.code === 'WAL_DAMAGED' &&
      typeof error.detail.offset === 'number'
    ) {
      if (error.detail.offset <= at) refused++
    }
  }
  t.equal(refused, lastFrame)
  await writeFile(file, whole)
  const { wal: sound } = await open(directory)
  await sound.close()
})

void t.test('a lost segment is refused', async (t) => {
  const directory = t.testdir()
  const { wal } = await open(directory, { segmentBytes: 200 })
  for (let i = 0; i < 12; i++) await wal.append([entry(`entry number ${i}`)])
  await wal.close()
  const names = await realDisk.list(directory)
  t.ok(names.length > 2)
  await realDisk.remove(join(directory, names[1] ?? ''))
  await t.rejects(open(directory), { code: 'WAL_DAMAGED' })
})

void t.test('bytes that rotted after the start are refused when they are read', async (t) => {
  const disk = new SimulatedDisk()
  const { wal } = await open('/wal', { disk })
  await wal.append([entry('sound')])
  disk.flip('/wal/00000000000000000000.wal', SEGMENT_HEADER_BYTES + FRAME_HEADER_BYTES + 4, 3)
  await t.rejects(wal.read(0, 1), { code: 'WAL_DAMAGED' })
})

void t.test(
  'an entry that holds a frame does not pass for one when recovery looks for the next',
  async (t) => {
    const directory = t.testdir({ foreign: {}, ours: {} })
    const foreign = await open(join(directory, 'foreign'))
    for (const text of ['one', 'two', 'three']) await foreign.wal.append([entry(text)])
    await foreign.wal.close()
    const name = '00000000000000000000.wal'
    const frames = (await readFile(join(directory, 'foreign', name))).subarray(SEGMENT_HEADER_BYTES)

    const { wal } = await open(join(directory, 'ours'))
    await wal.append([entry('one')])
    await wal.append([Buffer.concat([frames, Buffer.alloc(64)])])
    await wal.close()
    const file = join(directory, 'ours', name)
    const whole = await readFile(file)
    await writeFile(file, whole.subarray(0, whole.length - 1))
    const again = await open(join(directory, 'ours'))
    t.same(
      again.recovered,
      ['one'],
      'the torn entry is cut off, although it holds the frames of entries 0 to 2',
    )
    await again.wal.close()
  },
)

for (const data of ['lost', 'persisted'] as const) {
  void t.test(`after a failed sync (data ${data}) nothing is acknowledged until a restart`, async (t) => {
    const disk = new SimulatedDisk()
    const { wal } = await open('/wal', { disk })
    await wal.append([entry('acknowledged')])
    disk.failSync(1, data)
    const failed = wal.append([entry('in doubt')])
    const sameGroup = wal.append([entry('in doubt too')])
    await t.rejects(failed, { code: 'WAL_FAILED', fatal: true })
    await t.rejects(sameGroup, { code: 'WAL_FAILED' })
    await t.rejects(wal.append([entry('later')]), { code: 'WAL_FAILED' })
    t.equal(wal.size, 1)
    await wal.close()

    // The process restarts, the machine does not: reads still show the page cache.
    const { wal: again, recovered } = await open('/wal', { disk, minimum: 1 })
    t.same(recovered, ['acknowledged', 'in doubt', 'in doubt too'])
    t.equal(await again.append([entry('next')]), 3)
    const after = await open('/wal', { disk: disk.restart(seededRandom(1), 'nothing'), minimum: 4 })
    t.same(
      after.recovered,
      ['acknowledged', 'in doubt', 'in doubt too', 'next'],
      'what was served again is durable',
    )
  })
}

void t.test('no acknowledged entry is lost at any crash point', async (t) => {
  let crashes = 0
  let torn = 0
  for (const survival of ['nothing', 'some', 'everything'] as const satisfies readonly Survival[]) {
    for (let point = 1; point <= 60; point++) {
      const random = seededRandom(point * 3 + survival.length)
      let disk = new SimulatedDisk()
      disk.crashAt(point)
      const acknowledged: string[] = []
      try {
        const { wal } = await open('/wal', { disk, segmentBytes: 6_000 })
        for (let group = 0; group < 20; group++) {
          const entries = [`${group}.0`, `${group}.1`].map((name) => `${name} ${'x'.repeat(random() * 900)}`)
          await Promise.all([
            wal.append(entries.map(entry)).then(() => acknowledged.push(...entries)),
            wal.append([entry(`${group}.2`)]).then(() => acknowledged.push(`${group}.2`)),
          ])
        }
      } catch (error) {
        const cause = error instanceof LedgerError ? error.cause : error
        if (!(cause instanceof PowerLoss)) throw error
        crashes++
      }
      // The power may go again while the log is being recovered.
      for (let again = 1; again <= 3; again++) {
        disk = disk.restart(random, survival)
        disk.crashAt(again)
        await open('/wal', { disk, minimum: acknowledged.length }).catch((error: unknown) => {
          if (!(error instanceof PowerLoss)) throw error
        })
      }
      disk = disk.restart(random, survival)
      await disk.makeDirectory('/wal')
      const { wal, recovered } = await open('/wal', { disk, minimum: acknowledged.length })
      if (wal.truncated !== undefined) torn++
      t.same(recovered.slice(0, acknowledged.length), acknowledged)
      t.equal(await wal.append([entry('after')]), recovered.length)
    }
  }
  t.ok(crashes > 100, `${crashes} crashes, ${torn} torn tails at the end`)
})

void t.test('of a file that was changed anyhow, recovery gives a prefix or refuses', async (t) => {
  const directory = t.testdir()
  const { wal } = await open(directory)
  const all = Array.from({ length: 30 }, (_, i) => `entry ${i} ${'.'.repeat(i * 3)}`)
  for (const text of all) await wal.append([entry(text)])
  await wal.close()
  const file = join(directory, '00000000000000000000.wal')
  const whole = await readFile(file)
  let refused = 0
  let prefixes = 0
  for (let run = 0; run < 300; run++) {
    const random = seededRandom(run)
    const bytes = mutate(whole, random)
    await writeFile(file, bytes)
    const outcome = await open(directory).catch((error: unknown) => error)
    if (outcome instanceof LedgerError && outcome.code === 'WAL_DAMAGED') {
      refused++
    } else if (outcome instanceof Error) {
      t.fail(`run ${run}: ${outcome.message}`)
    } else {
      const { wal, recovered } = outcome as Awaited<ReturnType<typeof open>>
      if (recovered.some((text, i) => text !== all[i])) t.fail(`run ${run}: other entries came back`)
      prefixes++
      await wal.close()
    }
  }
  t.ok(refused > 50 && prefixes > 50, `${refused} refused, ${prefixes} cut to a prefix`)
})

void t.test('recovery of a hostile tail takes linear time', async (t) => {
  const directory = t.testdir()
  const { wal } = await open(directory)
  await wal.append([entry('one')])
  await wal.close()
  const file = join(directory, '00000000000000000000.wal')
  const whole = await readFile(file)
  const timeOf = async (megabytes: number): Promise<number> => {
    let best = Infinity
    for (let run = 0; run < 3; run++) {
      // Every four bytes look like the start of a frame.
      await writeFile(file, Buffer.concat([whole, Buffer.alloc(megabytes * 1024 * 1024, 'PCFR')]))
      const started = performance.now()
      const { wal } = await open(directory)
      best = Math.min(best, performance.now() - started)
      await wal.close()
    }
    return best
  }
  await timeOf(1)
  const [small, large] = [await timeOf(1), await timeOf(4)]
  t.ok(large < small * 10, `${Math.round(small)} ms, four times as much ${Math.round(large)} ms`)
})

/** Cuts, repeats, overwrites or drops a piece, or flips bits. */
function mutate(whole: Buffer, random: () => number): Buffer {
  const at = Math.floor(random() * whole.length)
  const length = 1 + Math.floor(random() * 60)
  const piece = whole.subarray(at, at + length)
  const before = whole.subarray(0, at)
  const behind = whole.subarray(at + length)
  switch (Math.floor(random() * 6)) {
    case 0:
      return Buffer.from(before)
    case 1:
      return Buffer.concat([before, behind])
    case 2:
      return Buffer.concat([before, piece, piece, behind])
    case 3:
      return Buffer.concat([before, Buffer.alloc(piece.length), behind])
    case 4:
      return Buffer.concat([whole, piece])
    default:
      return Buffer.concat([before, piece.map((byte) => byte ^ (1 << Math.floor(random() * 8))), behind])
  }
}
