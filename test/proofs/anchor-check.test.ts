import { readFileSync } from 'node:fs'
import t from 'tap'
import { formatReceipt, verifyBundle } from '../../proofs/index.js'
import type { Anchor, AnchorFacts, AnchorObservation, ChainEvidence, ProofCode } from '../../proofs/index.js'
import { anchor, anchoredReceipt, anchorPolicy, facts, log, observed, pin } from './sample-anchor.js'
import { inlineReceipt, policyText } from './sample-log.js'

const good = formatReceipt(anchoredReceipt())

function check(receipt: Uint8Array, policy: string, chain?: ChainEvidence) {
  const verdict = verifyBundle(receipt, policy, chain === undefined ? {} : { chain })
  const { result, code, message } = verdict.checks.find(({ name }) => name === 'anchor')!
  return { ok: verdict.ok, result, code, message }
}
const seen = (...observations: AnchorObservation[]): ChainEvidence => ({ observations })

t.test('an anchor that the chain confirms passes, and the trust in its endpoint is named', async (t) => {
  t.match(check(good, anchorPolicy(), seen(observed())), {
    ok: true,
    result: 'pass',
    message: /block 20000000 of chain 1.*one RPC endpoint says, which is trusted/,
  })
  t.match(check(good, anchorPolicy(), { observations: [observed(), observed(), observed()], agree: 2 }), {
    ok: true,
    message: /3 of 3 RPC endpoints/,
  })
})

t.test('without a chain the anchor is not checked, and the receipt holds without it', async (t) => {
  t.match(check(good, anchorPolicy()), { ok: true, result: 'not-checked', message: /was not asked/ })
  const bare = formatReceipt(inlineReceipt(log, 0))
  t.match(check(bare, anchorPolicy()), { ok: true, result: 'not-checked', message: /no anchor is given/ })
  t.match(check(good, policyText()), { ok: true, result: 'not-checked', message: /policy names no anchor/ })
})

t.test('who asks the chain calls for an anchor', async (t) => {
  const bare = formatReceipt(inlineReceipt(log, 0))
  t.match(check(bare, anchorPolicy(), seen()), { ok: false, code: 'anchor_missing' })
  t.match(check(good, policyText(), seen(observed())), { ok: false, result: 'not-checked' })
})

t.test('a claim that is not the one of this checkpoint or policy is refused without any chain', async (t) => {
  const wrong: [Partial<Anchor>, ProofCode][] = [
    [{ logId: '55'.repeat(32) }, 'anchor_mismatch'],
    [{ size: anchor.size + 1 }, 'anchor_mismatch'],
    [{ size: anchor.size - 1 }, 'anchor_mismatch'],
    [{ root: '55'.repeat(32) }, 'anchor_mismatch'],
    [{ chainId: 2 }, 'anchor_mismatch'],
    [{ contract: '55'.repeat(20) }, 'anchor_mismatch'],
    [{ submitter: '55'.repeat(20) }, 'wrong_submitter'],
  ]
  for (const [change, code] of wrong) {
    t.match(
      check(formatReceipt(anchoredReceipt(change)), anchorPolicy()),
      { ok: false, code },
      JSON.stringify(change),
    )
  }
})

t.test('a submitter counts for the tree sizes that the policy gives it', async (t) => {
  const { size } = anchor
  const inside = anchorPolicy([
    { ...pin, last: size - 1 },
    { ...pin, first: size, last: size },
  ])
  t.match(check(good, inside), { ok: true })
  for (const interval of [{ first: 0, last: size - 1 }, { first: size + 1 }])
    t.match(check(good, anchorPolicy([{ ...pin, ...interval }])), { ok: false, code: 'wrong_submitter' })
})

t.test('what the chain says otherwise is refused with its code', async (t) => {
  const event = facts.event!
  const never = { final: undefined, latest: undefined }
  const wrong: [Partial<AnchorFacts>, ProofCode][] = [
    [{ chainId: 5 }, 'anchor_mismatch'],
    [{ codeHash: '55'.repeat(32) }, 'anchor_mismatch'],
    [{ codeHash: undefined }, 'anchor_mismatch'],
    [{ anchoredAt: never, event: undefined }, 'anchor_missing'],
    [{ anchoredAt: never }, 'anchor_not_final'],
    [{ anchoredAt: { final: undefined, latest: anchor.blockTime } }, 'anchor_not_final'],
    [{ anchoredAt: { final: 1, latest: 1 } }, 'anchor_mismatch'],
    [{ event: undefined }, 'anchor_mismatch'],
    [{ event: { ...event, submitter: '55'.repeat(20) } }, 'wrong_submitter'],
    [{ event: { ...event, contract: '55'.repeat(20) } }, 'anchor_mismatch'],
    [{ event: { ...event, logId: '55'.repeat(32) } }, 'anchor_mismatch'],
    [{ event: { ...event, size: 1 } }, 'anchor_mismatch'],
    [{ event: { ...event, root: '55'.repeat(32) } }, 'anchor_mismatch'],
    [{ event: { ...event, blockNumber: 1 } }, 'anchor_mismatch'],
    [{ event: { ...event, blockHash: '55'.repeat(32) } }, 'anchor_mismatch'],
    [{ event: { ...event, blockTime: 1 } }, 'anchor_mismatch'],
    [{ event: { ...event, logIndex: 0 } }, 'anchor_mismatch'],
  ]
  for (const [change, code] of wrong) {
    t.match(check(good, anchorPolicy(), seen(observed(change))), { ok: false, code }, JSON.stringify(change))
  }
})

t.test('of several endpoints so many have to confirm', async (t) => {
  const lie = observed({ anchoredAt: { final: 1, latest: 1 } }, 'liar')
  const silent = { endpoint: 'silent', error: 'no answer' }
  const two = { observations: [observed(), lie, observed()], agree: 2 }
  t.match(check(good, anchorPolicy(), two), { ok: true, message: /2 of 3 RPC endpoints/ })
  const all = check(good, anchorPolicy(), { observations: two.observations })
  t.match(all, { ok: false, code: 'anchor_mismatch', message: /1 of 3 endpoints/ })
  t.match(check(good, anchorPolicy(), { observations: [observed(), silent], agree: 1 }), { ok: true })
  const unanswered = check(good, anchorPolicy(), { observations: [observed(), silent], agree: 2 })
  t.match(unanswered, { ok: false, result: 'not-checked', message: /1 of the 2 .* silent: no answer/ })
  t.throws(() => check(good, anchorPolicy(), { observations: [observed()], agree: 2 }), RangeError)
  t.throws(() => check(good, anchorPolicy(), seen()), RangeError)
})

interface Vector {
  name: string
  policy: string
  receipt: string
  observations: AnchorObservation[]
}
const vectors = JSON.parse(readFileSync(new URL('vectors/anchors.json', import.meta.url), 'utf8')) as {
  accept: Vector[]
  reject: (Vector & { code: string })[]
}

t.test('frozen anchors keep their verdicts for ever', async (t) => {
  for (const { name, policy, receipt, observations } of vectors.accept)
    t.match(verifyBundle(Buffer.from(receipt), policy, { chain: { observations } }), { ok: true }, name)
  for (const { name, policy, receipt, observations, code } of vectors.reject)
    t.match(
      verifyBundle(Buffer.from(receipt), policy, { chain: { observations } }),
      { ok: false, code },
      name,
    )
  t.same([vectors.accept.length, vectors.reject.length], [1, 11], 'all vectors ran')
})
