import t from 'tap'
import { CompactRange } from '../../proofs/compact-range.js'
import { leafHash, nodeReaderOf, rootOfLeafHashes, treeRoot } from '../../proofs/merkle.js'

const leaf = (i: number) => leafHash(Buffer.from(`entry ${i}`))

void t.test('a growing edge has the root of the whole tree at every size', async (t) => {
  const range = new CompactRange()
  const hashes: Uint8Array[] = []
  const nodes = new Map<string, Uint8Array>()
  t.same(range.root(), rootOfLeafHashes([]))
  for (let i = 0; i < 130; i++) {
    hashes.push(leaf(i))
    range.append(leaf(i), (level, index, hash) => nodes.set(`${level}/${index}`, hash))
    if (Buffer.compare(range.root(), rootOfLeafHashes(hashes)) !== 0) t.fail(`root at ${i + 1}`)
    const stored = treeRoot(i + 1, (level, index) => nodes.get(`${level}/${index}`)!)
    if (Buffer.compare(stored, range.root()) !== 0) t.fail(`visited nodes at ${i + 1}`)
  }
  t.equal(range.size, 130)
  const read = nodeReaderOf(hashes)
  for (const [name, hash] of nodes) {
    const [level, index] = name.split('/').map(Number)
    t.same(hash, read(level!, index!), name)
  }
})

void t.test('state survives being written and read, and a clone is independent', async (t) => {
  for (const size of [0, 1, 2, 7, 64, 65, 255]) {
    const range = new CompactRange()
    for (let i = 0; i < size; i++) range.append(leaf(i))
    const again = CompactRange.deserialise(range.serialise())
    t.equal(again.size, size)
    t.same(again.root(), range.root())
    const before = range.root()
    const copy = range.clone()
    copy.append(leaf(size))
    again.append(leaf(size))
    t.same(copy.root(), again.root())
    t.same(range.root(), before)
  }
})

void t.test('an edge that does not fit its size is refused', async (t) => {
  t.throws(() => CompactRange.restore(3, [leaf(0)]), { code: 'BAD_ROOT' })
  t.throws(() => CompactRange.restore(-1, []), { code: 'BAD_ROOT' })
  t.throws(() => CompactRange.restore(1, [leaf(0).subarray(1)]), { code: 'BAD_ROOT' })
  t.throws(() => CompactRange.deserialise(new Uint8Array(9)), { code: 'BAD_ROOT' })
  t.throws(() => CompactRange.deserialise(new Uint8Array(4)), { code: 'BAD_ROOT' })
  t.throws(() => new CompactRange().append(new Uint8Array(31)), RangeError)
})
