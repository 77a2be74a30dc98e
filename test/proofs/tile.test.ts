import t from 'tap'
import { ProofError } from '../../proofs/errors.js'
import { inclusionProof, leafHash, nodeReaderOf, treeRoot, consistencyProof } from '../../proofs/merkle.js'
import { CompactRange } from '../../proofs/compact-range.js'
import {
  decodeEntryBundle,
  encodeEntryBundle,
  entryBundles,
  hashTiles,
  hasTile,
  parseHashTile,
  parseTilePath,
  tileNodeReader,
  tilePath,
  TILE_WIDTH,
} from '../../proofs/tile.js'
import type { Tile } from '../../proofs/tile.js'
import { damage, growth, randomSource } from './random.js'

void t.test('paths group the index by threes', async (t) => {
  const table: [Tile, string][] = [
    [{ level: 0, index: 0, width: 256 }, 'tile/0/000'],
    [{ level: 0, index: 999, width: 256 }, 'tile/0/999'],
    [{ level: 1, index: 1000, width: 256 }, 'tile/1/x001/000'],
    [{ level: 0, index: 1_234_067, width: 256 }, 'tile/0/x001/x234/067'],
    [{ level: 0, index: 273, width: 112 }, 'tile/0/273.p/112'],
    [{ level: 'entries', index: 1_234_067, width: 1 }, 'tile/entries/x001/x234/067.p/1'],
    [{ level: 6, index: 0, width: 255 }, 'tile/6/000.p/255'],
  ]
  for (const [tile, path] of table) {
    t.equal(tilePath(tile), path)
    t.same(parseTilePath(path), tile)
  }
})

void t.test('every other spelling of a path is refused', async (t) => {
  for (const path of [
    '',
    'tile',
    'tile/0',
    'tile/0/0',
    'tile/0/00',
    'tile/0/0000',
    'tile/0/x000/001',
    'tile/0/001/002',
    'tile/0/x001',
    'tile/0/000.p/0',
    'tile/0/000.p/256',
    'tile/0/000.p/01',
    'tile/0/000.p/1000',
    'tile/0/000.p/',
    'tile/00/000',
    'tile/7/000',
    'tile/-1/000',
    'tile/entries',
    'tile/Entries/000',
    '/tile/0/000',
    'tile/0/000/',
    'tile/0/000\n',
    'tile/0/../000',
    'tile/0/x999/x999/x999/x999/x999/999',
    `tile/0/${'x001/'.repeat(50)}001`,
  ])
    t.equal(parseTilePath(path), undefined, path)
})

void t.test('the tiles of the worked sizes of the specification', async (t) => {
  const count = (size: number, level: number, full: boolean) =>
    [...hashTiles(size)].filter((tile) => tile.level === level && (tile.width === TILE_WIDTH) === full)
  t.equal(count(70_000, 0, true).length, 273)
  t.same(count(70_000, 0, false), [{ level: 0, index: 273, width: 112 }])
  t.equal(count(70_000, 1, true).length, 1)
  t.same(count(70_000, 1, false), [{ level: 1, index: 1, width: 17 }])
  t.same(count(70_000, 2, false), [{ level: 2, index: 0, width: 1 }])
  t.same([...hashTiles(256)].map(tilePath), ['tile/0/000', 'tile/1/000.p/1'])
  t.same([...hashTiles(0)], [])
  t.same([...entryBundles(257)].map(tilePath), ['tile/entries/000', 'tile/entries/001.p/1'])
})

void t.test('growing in steps writes the same full tiles as growing at once', async (t) => {
  const random = randomSource(71)
  const steps = [0]
  while (steps.at(-1)! < 200_000) steps.push(steps.at(-1)! + 1 + random.below(9000))
  const written = new Set<string>()
  const bundles = new Set<string>()
  for (let i = 1; i < steps.length; i++) {
    for (const tile of hashTiles(steps[i]!, steps[i - 1])) written.add(tilePath(tile))
    for (const tile of entryBundles(steps[i]!, steps[i - 1])) bundles.add(tilePath(tile))
  }
  const size = steps.at(-1)!
  for (const tile of hashTiles(size)) if (!written.has(tilePath(tile))) t.fail(tilePath(tile))
  for (const tile of entryBundles(size)) if (!bundles.has(tilePath(tile))) t.fail(tilePath(tile))
  t.same([...hashTiles(500, 500)], [])
  t.pass(`${steps.length} steps`)
})

void t.test('a tree has the tiles of its size and of every earlier one', async (t) => {
  t.ok(hasTile({ level: 0, index: 0, width: 100 }, 100))
  t.ok(hasTile({ level: 0, index: 0, width: 99 }, 100))
  t.notOk(hasTile({ level: 0, index: 0, width: 101 }, 100))
  t.notOk(hasTile({ level: 1, index: 0, width: 1 }, 255))
  t.ok(hasTile({ level: 1, index: 0, width: 1 }, 256))
  t.ok(hasTile({ level: 'entries', index: 1, width: 1 }, 257))
})

void t.test('roots and proofs come out of tiles alone', async (t) => {
  const size = 70_000
  const range = new CompactRange()
  const tiles = new Map<string, Uint8Array[]>()
  const leaves: Uint8Array[] = []
  for (let i = 0; i < size; i++) {
    const leaf = leafHash(Buffer.from(String(i)))
    leaves.push(leaf)
    range.append(leaf, (level, index, hash) => {
      if (level % 8 !== 0) return
      const key = `${level / 8}/${Math.floor(index / 256)}`
      tiles.set(key, [...(tiles.get(key) ?? []), hash])
    })
  }
  const read = tileNodeReader((level, index) => tiles.get(`${level}/${index}`) ?? [])
  const memory = nodeReaderOf(leaves)
  t.same(treeRoot(size, read), range.root())
  for (const index of [0, 255, 256, 65_535, 65_536, 69_887, 69_888, 69_999])
    t.same(inclusionProof(index, size, read), inclusionProof(index, size, memory), `leaf ${index}`)
  t.same(consistencyProof(300, size, read), consistencyProof(300, size, memory))
  t.throws(() => read(0, size), RangeError)
})

void t.test('a tile file is whole hashes', async (t) => {
  t.equal(parseHashTile(new Uint8Array(64), 2).length, 2)
  t.throws(() => parseHashTile(new Uint8Array(63), 2), { code: 'BAD_ROOT' })
})

void t.test('entry bundles come back', async (t) => {
  const entries = [new Uint8Array(0), Uint8Array.of(1), new Uint8Array(65_535).fill(7)]
  const bytes = encodeEntryBundle(entries)
  t.equal(bytes.length, 6 + 1 + 65_535)
  t.same(
    decodeEntryBundle(bytes, 3).map((entry) => new Uint8Array(entry)),
    entries,
  )
  t.same(decodeEntryBundle(new Uint8Array(0), 3), [])
  t.throws(() => decodeEntryBundle(bytes, 2), { code: 'TOO_LARGE' })
  t.throws(() => encodeEntryBundle([new Uint8Array(65_536)]), { code: 'TOO_LARGE' })
  t.throws(() => decodeEntryBundle(bytes.subarray(0, -1), 3), { code: 'MALFORMED_BUNDLE' })
  t.throws(() => decodeEntryBundle(Uint8Array.of(0), 3), { code: 'MALFORMED_BUNDLE' })
})

void t.test('hostile bundles and paths give a named outcome, in linear time', async (t) => {
  const random = randomSource(72)
  const good = encodeEntryBundle([Buffer.from('one'), Buffer.from('two'), Buffer.from('three')])
  for (let i = 0; i < 5000; i++) {
    const bytes = damage(good, random)
    try {
      if (Buffer.compare(encodeEntryBundle(decodeEntryBundle(bytes, 100)), bytes) !== 0) t.fail('repaired')
    } catch (error) {
      if (!(error instanceof ProofError)) throw error
    }
    const path = Buffer.from(damage(Buffer.from('tile/0/x001/x234/067.p/12'), random)).toString('latin1')
    const tile = parseTilePath(path)
    if (tile !== undefined && tilePath(tile) !== path) t.fail(path)
  }
  const framed = (n: number) => {
    const bytes = encodeEntryBundle(Array.from({ length: n }, () => new Uint8Array(100)))
    return () => decodeEntryBundle(bytes, n)
  }
  t.ok(growth(framed, 2000) < 12)
  t.ok(growth((n) => () => parseTilePath(`tile/0/${'x000/'.repeat(n)}`), 50_000) < 12)
})
