import t from 'tap'
import { parseSignedCheckpoint, signCheckpoint } from '../../proofs/checkpoint.js'
import { assertConsistent, findEquivocation } from '../../proofs/equivocation.js'
import { EMPTY_ROOT, leafHash } from '../../proofs/merkle.js'
import { decodeVkey, encodeVkey, noteSigner } from '../../proofs/note-key.js'
import { logKey, origin, sampleLog, SampleLog, seedOf } from './sample-log.js'

const keys = [decodeVkey(encodeVkey(logKey))]
const log = sampleLog()
const head = { origin, size: log.entries.length, root: log.root }
const sign = (size: number, root: Uint8Array) => signCheckpoint({ origin, size, root }, [logKey])

void t.test('one size with two roots convicts a log', async (t) => {
  const other = leafHash(Buffer.from('other'))
  const found = findEquivocation(sign(head.size, head.root), sign(head.size, other), keys)
  t.same(found, { origin, size: head.size, roots: [head.root, other] })
  t.equal(findEquivocation(sign(head.size, head.root), log.checkpoint(), keys), undefined)
  t.equal(findEquivocation(sign(head.size, head.root), sign(head.size + 1, other), keys), undefined)
})

void t.test('a checkpoint that the log did not sign convicts nobody', async (t) => {
  const forger = noteSigner(origin, seedOf(99))
  const forged = signCheckpoint({ ...head, root: leafHash(Buffer.from('x')) }, [forger])
  t.throws(() => findEquivocation(log.checkpoint(), forged, keys), { code: 'UNKNOWN_KEY' })
})

void t.test('growth is proven, anything else has its word', async (t) => {
  const before = new SampleLog()
  for (const entry of log.entries.slice(0, 6)) before.add(entry)
  const older = parseSignedCheckpoint(before.checkpoint()).checkpoint
  assertConsistent(older, head, log.consistency(6))
  assertConsistent(head, head, [])
  assertConsistent({ origin, size: 0, root: EMPTY_ROOT }, head, [])
  const wrong = (a: typeof older, b: typeof older, proof: Uint8Array[]) => () => assertConsistent(a, b, proof)
  t.throws(wrong({ ...head, root: older.root }, head, []), { code: 'EQUIVOCATION' })
  t.throws(wrong(older, head, []), { code: 'INCONSISTENT' })
  t.throws(wrong(older, head, log.consistency(5)), { code: 'INCONSISTENT' })
  t.throws(wrong({ ...older, root: head.root }, head, log.consistency(6)), { code: 'INCONSISTENT' })
  t.throws(wrong(head, older, []), { code: 'INCONSISTENT' })
  t.throws(wrong({ ...older, origin: 'x' }, head, log.consistency(6)), { code: 'INCONSISTENT' })
  t.throws(wrong({ origin, size: 0, root: EMPTY_ROOT }, head, [head.root]), { code: 'INCONSISTENT' })
})
