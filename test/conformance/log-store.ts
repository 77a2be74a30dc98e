/** What every store of a log must do: the embedded index and the mirror in MySQL. */
import type { Test } from 'tap'
import { encodeBase64 } from '../../proofs/base64.js'
import { leafHash } from '../../proofs/hashing.js'
import { EMPTY_ROOT } from '../../proofs/merkle.js'
import type { Commit, LeaseRecord } from '../../ledger/index-store.js'
import type { LogStore } from '../../ledger/log-store.js'
import { ownIdentity } from '../../runtime/process-identity.js'

const empty = { size: 0, root: encodeBase64(EMPTY_ROOT), time: 1 }
const bytes = (index: number): Uint8Array => Buffer.from(`entry ${index}`)
const id = (index: number): string => `00000000-0000-7000-8000-${String(index).padStart(12, '0')}`
const root = (text: string): string => encodeBase64(leafHash(Buffer.from(text)))

/** Moves the checkpoint from `from` to `size` entries. */
function commit(epoch: number, from: number, size: number, fork = ''): Commit {
  const indexes = Array.from({ length: size - from }, (_, i) => from + i)
  return {
    epoch,
    from,
    checkpoint: { size, root: root(`${fork}${size}`), time: 2 },
    entries: indexes.map((index) => ({
      index,
      leaf: leafHash(Buffer.concat([Buffer.from(fork), bytes(index)])),
      bytes: bytes(index),
      // As of a seal, every third one has no id.
      ...(index % 3 !== 2 && { identity: { agent: `alice${fork}`, id: id(index) } }),
    })),
    tiles: [],
  }
}

const take = (present: LeaseRecord | undefined): LeaseRecord => ({
  epoch: (present?.epoch ?? 0) + 1,
  holder: ownIdentity(),
  renewed: 5,
})

/** @param open opens the store that `name` stands for, again and also twice at a time */
export function logStoreConformance(t: Test, open: (name: string) => Promise<LogStore>): void {
  t.test('a checkpoint moves by compare-and-swap, with its entries or not at all', async (t) => {
    const store = await open('cas')
    t.equal(await store.checkpoint, undefined)
    const { epoch } = await store.changeLease(take)
    await store.initialise(empty)
    await t.rejects(async () => store.initialise(empty), { code: 'ALREADY_INITIALISED' })
    t.same(await store.checkpoint, empty)
    const refused: [what: string, commit: Commit][] = [
      ['another size than recorded', commit(epoch, 1, 2)],
      ['another holder of the lease', commit(epoch + 1, 0, 1)],
      ['an older holder of the lease', commit(epoch - 1, 0, 1)],
    ]
    for (const [what, bad] of refused) {
      await t.rejects(store.commit(bad), { code: 'CHECKPOINT_CONFLICT', fatal: true }, what)
      t.same(await store.checkpoint, empty)
      t.equal(await store.findId('alice', id(0)), undefined)
      t.equal(await store.findLeaf(leafHash(bytes(1))), undefined)
    }
    await store.commit(commit(epoch, 0, 5))
    t.same(await store.checkpoint, { size: 5, root: root('5'), time: 2 })
    await t.rejects(store.commit(commit(epoch, 0, 4)), { code: 'CHECKPOINT_CONFLICT' }, 'a smaller tree')
    await t.rejects(store.commit(commit(epoch, 0, 5, 'f')), { code: 'CHECKPOINT_CONFLICT' }, 'another root')
    t.equal(await store.findId('alicef', id(0)), undefined)
    await store.commit(commit(epoch, 5, 6))
    await store.close()
  })

  t.test('what was committed is there after it was opened again', async (t) => {
    const store = await open('again')
    const { epoch } = await store.changeLease(take)
    await store.initialise(empty)
    // More than one statement of a multi-row insert.
    await store.commit(commit(epoch, 0, 2_500))
    await store.close()
    const again = await open('again')
    t.match(await again.checkpoint, { size: 2_500, root: root('2500') })
    for (const index of [0, 1, 999, 1_000, 2_499]) {
      t.equal(await again.findId('alice', id(index)), index % 3 === 2 ? undefined : index)
      t.equal(await again.findLeaf(leafHash(bytes(index))), index)
    }
    t.equal(await again.findId('bob', id(0)), undefined)
    t.equal(await again.findId('Alice', id(0)), undefined, 'names are compared by their bytes')
    await again.close()
  })

  t.test('the lease changes in one step, and a decision that throws leaves it', async (t) => {
    const first = await open('lease')
    t.equal((await first.changeLease(take)).epoch, 1)
    const second = await open('lease')
    const refuse = async (): Promise<void> => {
      await second.changeLease((present) => {
        throw new Error(`held by ${present?.epoch}`)
      })
    }
    await t.rejects(refuse(), { message: 'held by 1' })
    const epochs = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => (await [first, second][i % 2]!.changeLease(take)).epoch),
    )
    t.same(
      epochs.toSorted((a, b) => a - b),
      Array.from({ length: 20 }, (_, i) => i + 2),
      'each holder has an epoch of its own',
    )
    await Promise.all([first.close(), second.close()])
  })

  t.test('of two writers one binds a size to a root', async (t) => {
    const [one, other] = [await open('fork'), await open('fork')]
    const { epoch } = await one.changeLease(take)
    await one.initialise(empty)
    await other.checkpoint
    const results = await Promise.allSettled([
      one.commit(commit(epoch, 0, 3)),
      other.commit(commit(epoch, 0, 3, 'f')),
    ])
    t.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
    const recorded = await one.checkpoint
    t.same(await other.checkpoint, recorded)
    const forked = recorded?.root === root('f3')
    t.equal((await one.findId('alice', id(0))) === undefined, forked)
    t.equal((await one.findId('alicef', id(0))) === undefined, !forked)
    await Promise.all([one.close(), other.close()])
  })

  t.test('a writer whose lease was taken over records nothing', async (t) => {
    const [old, next] = [await open('taken'), await open('taken')]
    const held = await old.changeLease(take)
    await old.initialise(empty)
    const { epoch } = await next.changeLease(take)
    await next.checkpoint
    await t.rejects(old.commit(commit(held.epoch, 0, 1)), { code: 'CHECKPOINT_CONFLICT' })
    await next.commit(commit(epoch, 0, 1))
    await t.rejects(old.commit(commit(held.epoch, 1, 2)), { code: 'CHECKPOINT_CONFLICT' })
    t.match(await next.checkpoint, { size: 1 })
    await Promise.all([old.close(), next.close()])
  })
}
