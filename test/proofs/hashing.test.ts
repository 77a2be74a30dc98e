import t from 'tap'
import { createHash } from 'node:crypto'
import { sha256 } from '../../proofs/hashing.js'

void t.test('SHA-256 of views and of nothing', async (t) => {
  t.same(sha256(new Uint8Array(0)), createHash('sha256').digest())
  const part = Uint8Array.from([9, 1, 2, 3, 9]).subarray(1, 4)
  t.same(
    sha256(part),
    createHash('sha256')
      .update(Buffer.from([1, 2, 3]))
      .digest(),
  )
})
