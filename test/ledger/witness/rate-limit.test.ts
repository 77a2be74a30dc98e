import t from 'tap'
import { RateLimit } from '../../../ledger/witness/rate-limit.js'

void t.test('a caller gets what it may send, and no more', async (t) => {
  let now = 0
  const limit = new RateLimit(60, () => now)
  for (let i = 0; i < 10; i++) t.equal(limit.take('a'), 0, 'ten seconds worth at once')
  t.equal(limit.take('a'), 1)
  t.equal(limit.take('b'), 0, 'another caller has its own')
  now = 999
  t.equal(limit.take('a'), 1)
  now = 1001
  t.equal(limit.take('a'), 0)
  now = 1_000_000
  for (let i = 0; i < 10; i++) t.equal(limit.take('a'), 0)
  t.equal(limit.take('a'), 1, 'what was not used is not saved up')
  t.equal(new RateLimit(1, () => now).take('c'), 0, 'the smallest rate lets one through')
})

void t.test('callers without end take no memory without end', async (t) => {
  const limit = new RateLimit(60, () => 0)
  for (let i = 0; i < 10; i++) limit.take('first')
  t.equal(limit.take('first'), 1)
  for (let i = 0; i < 10_000; i++) limit.take(`caller ${i}`)
  t.equal(limit.take('first'), 0, 'who was away the longest is forgotten')
  t.equal(limit.take('caller 9999'), 0)
})
