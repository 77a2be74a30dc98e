import { readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { BodyStore } from '../../../ledger/client/body-store.js'
import { commitmentOf } from '../../../proofs/commitment.js'

void t.test('a body is kept for its owner alone, until it is erased with its salt', async (t) => {
  const folder = join(t.testdir(), 'bodies')
  const store = new BodyStore(folder)
  const { hash } = await store.commit(Buffer.from('the answer'))
  const fields = await store.commitFields({ amount: '12' })
  const path = join(folder, hash.slice(0, 2), `${hash}.json`)
  t.equal((await stat(path)).mode & 0o777, 0o600)
  t.equal((await stat(folder)).mode & 0o777, 0o700)
  const opening = await new BodyStore(folder).open(hash)
  t.equal(opening && commitmentOf(opening).hash, hash)
  const listed = []
  for await (const body of store.list()) listed.push(body.hash)
  t.same(listed.toSorted(), [hash, fields.hash].toSorted())
  t.equal(await store.erase(hash), true)
  t.equal(await store.erase(hash), false)
  t.equal(await store.open(hash), undefined)
  await t.rejects(stat(path), { code: 'ENOENT' })
  t.ok(await store.open(fields.hash), 'others stay')
})

void t.test('a damaged body, a link and a name that leads elsewhere are refused', async (t) => {
  const folder = join(t.testdir(), 'bodies')
  const store = new BodyStore(folder)
  const [one, two, three] = [
    await store.commit(Buffer.from('1')),
    await store.commit(Buffer.from('2')),
    await store.commit(Buffer.from('3')),
  ]
  const path = ({ hash }: { readonly hash: string }) => join(folder, hash.slice(0, 2), `${hash}.json`)
  await writeFile(path(one), await readFile(path(two)))
  await t.rejects(store.open(one.hash), { code: 'BODY_DAMAGED' })
  await writeFile(path(two), '{}\n')
  await t.rejects(store.open(two.hash), { code: 'BODY_DAMAGED' })
  await store.erase(two.hash)
  await symlink(path(three), path(two))
  await t.rejects(store.open(two.hash), { code: 'ELOOP' })
  await t.rejects(store.open('../../key'), { code: 'BAD_COMMITMENT' })
  await t.rejects(store.erase('../../key'), { code: 'BAD_COMMITMENT' })
})
