import t from 'tap'
import { formatReceipt, verifyOnChain } from '../../proofs/index.js'
import type { Anchor, ChainReader } from '../../proofs/index.js'
import { anchor, anchoredReceipt, anchorPolicy, log, observed } from './sample-anchor.js'
import { inlineReceipt } from './sample-log.js'

t.test('every reader is asked about the claim, and their answers are judged', async (t) => {
  const asked: Anchor[] = []
  const reader: ChainReader = {
    observe: async (claim) => {
      asked.push(claim)
      return observed()
    },
  }
  const receipt = formatReceipt(anchoredReceipt())
  t.match(await verifyOnChain(receipt, anchorPolicy(), { readers: [reader, reader], agree: 1 }), { ok: true })
  t.same(asked, [anchor, anchor])
})

t.test('nobody is asked about a receipt without an anchor or about bytes that are none', async (t) => {
  const reader: ChainReader = { observe: () => t.fail('asked') as never }
  const bare = formatReceipt(inlineReceipt(log, 0))
  t.match(await verifyOnChain(bare, anchorPolicy(), { readers: [reader] }), {
    ok: false,
    code: 'anchor_missing',
  })
  const junk = await verifyOnChain(Buffer.from('junk\n'), anchorPolicy(), { readers: [reader] })
  t.equal(junk.ok, false)
})
