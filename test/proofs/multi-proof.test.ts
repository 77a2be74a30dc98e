import t from 'tap'
import {
  assertAllIncluded,
  inclusionProof,
  leafHash,
  multiProof,
  nodeReaderOf,
  rootFromMultiProof,
  rootOfLeafHashes,
} from '../../proofs/index.js'
import { growth, randomSource } from './random.js'

const leavesOf = (size: number) => Array.from({ length: size }, (_, i) => leafHash(Buffer.from(`leaf ${i}`)))
const hex = (hashes: readonly Uint8Array[]) => hashes.map((hash) => Buffer.from(hash).toString('hex'))

void t.test('every choice of leaves of every small tree is proven', async (t) => {
  let proven = 0
  for (let size = 1; size <= 9; size++) {
    const all = leavesOf(size)
    const read = nodeReaderOf(all)
    const root = rootOfLeafHashes(all)
    for (let mask = 1; mask < 2 ** size; mask++) {
      const indexes = all.map((_, i) => i).filter((i) => (mask >> i) % 2 === 1)
      const leaves = indexes.map((index) => ({ index, leaf: all[index]! }))
      assertAllIncluded(leaves, size, multiProof(indexes, size, read), root)
      proven++
    }
  }
  t.equal(proven, 1013)
})

void t.test('a single leaf needs the hashes of its inclusion proof', async (t) => {
  const all = leavesOf(23)
  const read = nodeReaderOf(all)
  for (let index = 0; index < 23; index++) {
    const single = hex(inclusionProof(index, 23, read)).toSorted()
    t.same(hex(multiProof([index], 23, read)).toSorted(), single)
  }
  t.same(multiProof([...all.keys()], 23, read), [], 'the whole tree needs none')
})

void t.test('what is missing, added, moved or changed is not included', async (t) => {
  const all = leavesOf(40)
  const root = rootOfLeafHashes(all)
  const indexes = [3, 4, 5, 17, 31, 39]
  const leaves = indexes.map((index) => ({ index, leaf: all[index]! }))
  const proof = multiProof(indexes, 40, nodeReaderOf(all))
  const refused = (leavesGiven: typeof leaves, size: number, hashes: readonly Uint8Array[], what: string) =>
    t.throws(() => assertAllIncluded(leavesGiven, size, hashes, root), { code: 'NOT_INCLUDED' }, what)
  for (let i = 0; i < proof.length; i++) {
    refused(leaves, 40, proof.toSpliced(i, 1), `without hash ${i}`)
    refused(leaves, 40, proof.toSpliced(i, 0, all[0]!), `with one more at ${i}`)
    refused(leaves, 40, proof.with(i, all[1]!), `with another at ${i}`)
    refused(leaves, 40, proof.with(i, new Uint8Array(31)), `with a short one at ${i}`)
  }
  for (let i = 0; i < leaves.length; i++) {
    refused(leaves.toSpliced(i, 1), 40, proof, `without leaf ${i}`)
    refused(leaves.with(i, { ...leaves[i]!, leaf: all[0]! }), 40, proof, `another leaf ${i}`)
    refused(leaves.with(i, { ...leaves[i]!, index: leaves[i]!.index + 0.5 }), 40, proof, 'half an index')
    refused(leaves.with(i, { ...leaves[i]!, leaf: new Uint8Array(3) }), 40, proof, 'a short leaf')
  }
  refused(leaves.toReversed(), 40, proof, 'in another order')
  refused([...leaves, leaves.at(-1)!], 40, proof, 'a leaf twice')
  refused([], 40, proof, 'no leaf')
  for (const size of [39, 41, 64, 0, -1, Number.NaN, 2 ** 53]) refused(leaves, size, proof, `size ${size}`)
  t.throws(() => multiProof([], 40, nodeReaderOf(all)), RangeError)
  t.throws(() => multiProof([4, 3], 40, nodeReaderOf(all)), RangeError)
  t.throws(() => multiProof([40], 40, nodeReaderOf(all)), RangeError)
})

void t.test('random trees and choices agree, and hostile shapes end', async (t) => {
  const random = randomSource(7)
  for (let i = 0; i < 200; i++) {
    const all = leavesOf(1 + random.below(300))
    const indexes = all.map((_, at) => at).filter(() => random.below(5) === 0)
    if (indexes.length === 0) continue
    const leaves = indexes.map((index) => ({ index, leaf: all[index]! }))
    const proof = multiProof(indexes, all.length, nodeReaderOf(all))
    const root = rootFromMultiProof(leaves, all.length, proof)
    t.equal(Buffer.compare(root!, rootOfLeafHashes(all)), 0)
  }
  const far = [{ index: 2 ** 52, leaf: leafHash(Buffer.from('x')) }]
  t.equal(rootFromMultiProof(far, 2 ** 53 - 1, []), undefined)
  const ratio = growth((n) => {
    const leaves = Array.from({ length: n }, (_, i) => ({ index: i * 2 ** 30, leaf: far[0]!.leaf }))
    const hashes = Array.from({ length: n * 40 }, () => far[0]!.leaf)
    return () => rootFromMultiProof(leaves, 2 ** 50, hashes)
  }, 200)
  t.ok(ratio < 10, `four times the leaves take ${ratio} times as long`)
})
