import t from 'tap'
import { createHash } from 'node:crypto'
import {
  assertInclusion,
  consistencyProof,
  EMPTY_ROOT,
  inclusionProof,
  leafHash,
  nodeHash,
  nodeReaderOf,
  rootOfLeafHashes,
  treeRoot,
  verifyConsistency,
  verifyInclusion,
} from '../../proofs/merkle.js'
import { filesBelow, readJson, vectorFolder } from './vector-data.js'

const base64 = (text: string) => Buffer.from(text, 'base64')
const leaves = (count: number) => Array.from({ length: count }, (_, i) => leafHash(Buffer.from(`entry ${i}`)))

/** RFC 6962 section 2.1, as its text has it: a second way to the same root. */
function definition(hashes: readonly Uint8Array[]): Buffer {
  if (hashes.length === 0) return createHash('sha256').digest()
  if (hashes.length === 1) return Buffer.from(hashes[0]!)
  let k = 1
  while (k * 2 < hashes.length) k *= 2
  return createHash('sha256')
    .update('\x01')
    .update(definition(hashes.slice(0, k)))
    .update(definition(hashes.slice(k)))
    .digest()
}

interface Vector {
  desc: string
  wantErr: boolean
  proof: string[] | null
}
interface InclusionVector extends Vector {
  leafIdx: number
  treeSize: number
  root: string
  leafHash: string
}
interface ConsistencyVector extends Vector {
  size1: number
  size2: number
  root1: string
  root2: string
}

void t.test('public inclusion and consistency vectors', (t) => {
  const folder = vectorFolder('rfc6962')
  if (folder === undefined) {
    t.plan(0, 'skipped: no data')
    return
  }
  let inclusion = 0
  for (const file of filesBelow(`${folder}/testdata/inclusion`, '.json')) {
    const v = readJson(file) as InclusionVector
    const proof = (v.proof ?? []).map(base64)
    const ok = verifyInclusion(v.leafIdx, v.treeSize, base64(v.leafHash), proof, base64(v.root))
    t.equal(ok, !v.wantErr, `${file}: ${v.desc}`)
    inclusion++
  }
  let consistency = 0
  for (const file of filesBelow(`${folder}/testdata/consistency`, '.json')) {
    const v = readJson(file) as ConsistencyVector
    const proof = (v.proof ?? []).map(base64)
    const ok = verifyConsistency(v.size1, v.size2, proof, base64(v.root1), base64(v.root2))
    t.equal(ok, !v.wantErr, `${file}: ${v.desc}`)
    consistency++
  }
  t.equal(inclusion, 98, 'all inclusion vectors ran')
  t.equal(consistency, 98, 'all consistency vectors ran')
  t.end()
})

void t.test('leaf and node hashes are the ones of RFC 6962', async (t) => {
  const data = Buffer.from('some entry')
  t.same(leafHash(data), createHash('sha256').update('\0').update(data).digest())
  const large = Buffer.alloc(100_000, 7)
  t.same(leafHash(large), createHash('sha256').update('\0').update(large).digest())
  for (const size of [65_535, 65_536, 65_537]) {
    const edge = Buffer.alloc(size, 9)
    t.same(leafHash(edge), createHash('sha256').update('\0').update(edge).digest(), `${size} bytes`)
  }
  const [a, b] = [leafHash(data), leafHash(large)]
  t.same(nodeHash(a, b), createHash('sha256').update('\x01').update(a).update(b).digest())
  t.throws(() => nodeHash(a, b.subarray(1)), RangeError)
})

void t.test('roots of every size up to 70 follow the definition', async (t) => {
  for (let size = 0; size <= 70; size++) {
    const hashes = leaves(size)
    const expected = definition(hashes)
    t.same(rootOfLeafHashes(hashes), expected, `size ${size}`)
    t.same(treeRoot(size, nodeReaderOf(hashes)), expected, `size ${size} by nodes`)
  }
  t.same(rootOfLeafHashes([]), EMPTY_ROOT)
})

void t.test(
  'every proof of every small tree verifies, and only for its own index, size and root',
  async (t) => {
    const all = leaves(40)
    const read = nodeReaderOf(all)
    for (let size = 1; size <= 40; size++) {
      const root = treeRoot(size, read)
      for (let index = 0; index < size; index++) {
        const proof = inclusionProof(index, size, read)
        const leaf = all[index]!
        if (!verifyInclusion(index, size, leaf, proof, root)) t.fail(`inclusion ${index} of ${size}`)
        for (let other = 0; other <= size; other++) {
          if (other !== index && verifyInclusion(other, size, leaf, proof, root))
            t.fail(`proof of ${index} of ${size} verifies for ${other}`)
        }
        if (verifyInclusion(index, size, leaf, [...proof, leaf], root)) t.fail('a longer proof verifies')
        if (proof.length > 0 && verifyInclusion(index, size, leaf, proof.slice(1), root))
          t.fail('a shorter proof verifies')
      }
      for (let first = 1; first <= size; first++) {
        const proof = consistencyProof(first, size, read)
        const root1 = treeRoot(first, read)
        if (!verifyConsistency(first, size, proof, root1, root)) t.fail(`consistency ${first} to ${size}`)
        proof.forEach((_, i) => {
          const damaged = proof.map((hash, at) => (at === i ? nodeHash(hash, hash) : hash))
          if (verifyConsistency(first, size, damaged, root1, root)) t.fail('a damaged proof verifies')
        })
      }
    }
    t.pass('all checked')
  },
)

void t.test('requests outside the tree are refused', async (t) => {
  const read = nodeReaderOf(leaves(4))
  t.throws(() => inclusionProof(4, 4, read), RangeError)
  t.throws(() => inclusionProof(-1, 4, read), RangeError)
  t.throws(() => inclusionProof(0.5, 4, read), RangeError)
  t.throws(() => consistencyProof(0, 4, read), RangeError)
  t.throws(() => consistencyProof(3, 2, read), RangeError)
  t.throws(() => treeRoot(5, read), RangeError)
  t.notOk(verifyInclusion(0, Number.MAX_SAFE_INTEGER + 1, leaves(1)[0]!, [], EMPTY_ROOT))
  t.notOk(verifyConsistency(0, 0, [], EMPTY_ROOT, EMPTY_ROOT), 'size 0 proves nothing')
  t.notOk(
    verifyInclusion(
      0,
      2,
      leaves(1)[0]!,
      Array.from({ length: 65 }, () => EMPTY_ROOT),
      EMPTY_ROOT,
    ),
  )
  t.throws(() => assertInclusion(0, 1, leaves(2)[1]!, [], leaves(1)[0]!), { code: 'NOT_INCLUDED' })
})

void t.test('indexes beyond 32 bits work', async (t) => {
  const size = 2 ** 40 + 3
  const index = 2 ** 40 + 2
  const edge = leaves(3)
  const proof = [nodeHash(edge[0]!, edge[1]!), edge[2]!]
  const root = nodeHash(edge[2]!, nodeHash(nodeHash(edge[0]!, edge[1]!), edge[0]!))
  t.ok(verifyInclusion(index, size, edge[0]!, proof, root))
  t.notOk(verifyInclusion(index - 2 ** 33, size, edge[0]!, proof, root))
})
