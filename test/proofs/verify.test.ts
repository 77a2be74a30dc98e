import t from 'tap'
import {
  appendSignatures,
  CHECK_NAMES,
  encodeVkey,
  formatAction,
  formatReceipt,
  leafHash,
  noteSigner,
  parsePolicy,
  PROOF_CODES,
  sealBatch,
  signAction,
  signNote,
  verifyBundle,
} from '../../proofs/index.js'
import type { Policy, Receipt, Verification } from '../../proofs/index.js'
import {
  actionOf,
  agentKey,
  approverKey,
  inlineReceipt,
  logKey,
  policyText,
  SampleLog,
  sampleLog,
  sealedReceipt,
  seedOf,
  session,
  strangerKey,
  WITNESS_TIME,
  witnessKeys,
} from './sample-log.js'

const log = sampleLog()
const policy = parsePolicy(policyText())

function resultOf(verification: Verification, name: string): string {
  const check = verification.checks.find((one) => one.name === name)
  return check?.code ?? check?.result ?? 'missing'
}

function judge(receipt: Receipt, by: Policy | string = policy): Verification {
  return verifyBundle(formatReceipt(receipt), by)
}

void t.test('receipts of signed, sealed and seal entries verify offline', async (t) => {
  for (let index = 0; index < log.entries.length; index++) {
    const sealed = index >= 3 && index < 8
    const receipt = sealed ? sealedReceipt(log, index) : inlineReceipt(log, index)
    const verdict = judge(receipt)
    t.equal(verdict.ok, true, `entry ${index}`)
    t.equal(verdict.code, undefined)
    t.equal(verdict.index, index)
    t.equal(verdict.size, log.entries.length)
    t.equal(verdict.origin, logKey.name)
    t.same(
      verdict.signature,
      sealed ? { type: 'seal', index: 8, position: index - 3, count: 5 } : { type: 'inline' },
    )
    t.same(
      verdict.checks.map(({ name }) => name),
      CHECK_NAMES,
      'every check is reported once, in order',
    )
    t.equal(resultOf(verdict, 'anchor'), 'not-checked')
    t.equal(resultOf(verdict, 'quorum'), 'not-checked')
    t.equal(resultOf(verdict, 'seal'), sealed ? 'pass' : 'not-checked')
  }
})

void t.test('any flipped bit of any byte makes a receipt fail with a code', async (t) => {
  const cosigned = log.checkpoint(witnessKeys)
  const samples: [string, Receipt, Policy][] = [
    ['inline', inlineReceipt(log, 1), policy],
    ['two signers', inlineReceipt(log, 9), policy],
    ['sealed', sealedReceipt(log, 5), policy],
    ['sealed and cosigned', sealedReceipt(log, 7, cosigned), parsePolicy(policyText('all'))],
  ]
  const codes = new Set<string>()
  for (const [name, receipt, by] of samples) {
    const bytes = formatReceipt(receipt)
    t.equal(verifyBundle(bytes, by).ok, true, `${name} is good before`)
    let flips = 0
    bytes.forEach((byte, at) => {
      for (const bit of new Set([0, (at * 7 + 3) % 8])) {
        const damaged = Uint8Array.from(bytes)
        damaged[at] = byte ^ (1 << bit)
        const verdict = verifyBundle(damaged, by)
        if (verdict.ok || verdict.code === undefined) t.fail(`${name}: byte ${at}, bit ${bit} is not noticed`)
        codes.add(verdict.code ?? '')
        flips++
      }
    })
    t.ok(flips >= bytes.length * 1.8, `${name}: ${flips} flips in ${bytes.length} bytes`)
  }
  for (const code of codes) t.ok((PROOF_CODES as readonly string[]).includes(code), code)
})

void t.test('another spelling of the same receipt is refused', async (t) => {
  const text = Buffer.from(formatReceipt(sealedReceipt(log, 5))).toString()
  const spellings: Record<string, string> = {
    'a space': text.replace('":', '": '),
    'no final newline': text.trimEnd(),
    'two newlines': `${text}\n`,
    'an escaped letter': text.replace('entry', '\\u0065ntry'),
    'an escaped slash': text.replace('receipt/v1', 'receipt\\/v1'),
    'an added member': text.replace('{', '{"a":1,'),
    'members in another order': JSON.stringify(
      Object.fromEntries(Object.entries(JSON.parse(text) as object).toReversed()),
    ),
    'a key twice': text.replace('{', '{"checkpoint":"",'),
    'a byte order mark': `\ufeff${text}`,
    'an exponent': text.replace('"index":5', '"index":5e0'),
  }
  for (const [name, spelling] of Object.entries(spellings)) {
    t.not(spelling, text, `${name} changes the bytes`)
    const verdict = verifyBundle(Buffer.from(spelling), policy)
    t.equal(verdict.ok, false, name)
    t.match(resultOf(verdict, 'receipt'), /^(malformed_receipt|not_canonical|duplicate_key)$/, name)
  }
})

void t.test('keys come from the policy and never from the receipt', async (t) => {
  const forged = new SampleLog()
  forged.add(signAction(actionOf(0), [strangerKey]))
  const byStranger = inlineReceipt(forged, 0)
  t.equal(resultOf(judge(byStranger), 'signature'), 'unknown_key')
  const otherLog = noteSigner(logKey.name, seedOf(77))
  const forgedHead = inlineReceipt(log, 0, log.checkpoint([], otherLog))
  t.equal(resultOf(judge(forgedHead), 'checkpoint'), 'unknown_key')
  t.equal(judge(forgedHead).ok, false)
  t.equal(judge(inlineReceipt(log, 0), 'quorum none\n').code, 'unknown_key', 'an empty policy trusts nobody')
})

void t.test('a known agent cannot sign for another', async (t) => {
  const sample = new SampleLog()
  sample.add(signNote(formatAction(actionOf(0)), [approverKey]))
  t.equal(resultOf(judge(inlineReceipt(sample, 0)), 'signature'), 'unsigned')
})

void t.test('a junk signature line is refused in an entry', async (t) => {
  const sample = new SampleLog()
  const signed = signAction(actionOf(0), [agentKey])
  sample.add(appendSignatures(signed, [{ name: 'zz', keyId: 7, signature: new Uint8Array(64) }]))
  t.equal(resultOf(judge(inlineReceipt(sample, 0)), 'signature'), 'unknown_key')
})

void t.test('a sealed entry without its seal is unsigned', async (t) => {
  const verdict = judge(inlineReceipt(log, 4))
  t.equal(verdict.ok, false)
  t.equal(resultOf(verdict, 'signature'), 'unsigned')
  t.equal(resultOf(verdict, 'key_validity'), 'not-checked')
})

void t.test('a seal beside a signed entry is refused', async (t) => {
  const seal = sealedReceipt(log, 5).seal!
  t.equal(judge({ ...inlineReceipt(log, 1), seal }).code, 'malformed_receipt')
})

void t.test('an entry moved away from its seal is refused', async (t) => {
  const sample = new SampleLog()
  const batch = [0, 1].map((seq) => formatAction(actionOf(seq)))
  const seal = sealBatch({ agent: 'gateway', session, first: 0, entries: batch }, agentKey)
  sample.add(batch[0]!)
  sample.add(batch[1]!)
  sample.add(batch[0]!)
  sample.add(seal)
  const at = (index: number, position: number) =>
    judge({
      ...inlineReceipt(sample, index),
      seal: {
        entry: seal,
        index: 3,
        proof: sample.proof(3),
        position,
        path: [leafHash(batch[1 - position]!)],
      },
    })
  t.equal(resultOf(at(0, 0), 'seal'), 'inconsistent')
  t.equal(resultOf(at(1, 1), 'seal'), 'inconsistent')
  t.equal(resultOf(at(2, 1), 'seal'), 'seq_gap', 'the second copy is not the second action')
})

void t.test('an action of another session does not fit under a seal', async (t) => {
  const sample = new SampleLog()
  const foreign = formatAction(actionOf(0, { session: 'gateway/run-2' }))
  sample.add(foreign)
  const seal = sealBatch({ agent: 'gateway', session, first: 0, entries: [foreign] }, agentKey)
  sample.add(seal)
  const receipt = {
    ...inlineReceipt(sample, 0),
    seal: { entry: seal, index: 1, proof: sample.proof(1), position: 0, path: [] },
  }
  t.equal(resultOf(judge(receipt), 'seal'), 'wrong_session')
})

void t.test('of all places that a sealed entry could claim only the true one verifies', async (t) => {
  const good = sealedReceipt(log, 5)
  const verified: number[][] = []
  for (let index = 0; index <= 11; index++) {
    for (let position = 0; position <= 5; position++) {
      for (let sealIndex = 0; sealIndex <= 11; sealIndex++) {
        const seal = { ...good.seal!, index: sealIndex, position }
        if (judge({ ...good, index, seal }).ok) verified.push([index, position, sealIndex])
      }
    }
  }
  t.same(verified, [[5, 2, 8]])
})

void t.test('a key outside its interval of indexes is not valid', async (t) => {
  const text = policyText().replace(encodeVkey(agentKey), `${encodeVkey(agentKey)} 2-8`)
  t.equal(judge(inlineReceipt(log, 2), text).ok, true)
  t.equal(judge(inlineReceipt(log, 1), text).code, 'key_not_valid_at')
  t.equal(judge(inlineReceipt(log, 10), text).code, 'key_not_valid_at')
  t.equal(judge(sealedReceipt(log, 3), text).ok, true, 'the seal is at 8')
  const before = policyText().replace(encodeVkey(agentKey), `${encodeVkey(agentKey)} 0-7`)
  t.equal(resultOf(judge(sealedReceipt(log, 3), before), 'key_validity'), 'key_not_valid_at')
})

void t.test('a quorum of witnesses is counted from good cosignatures', async (t) => {
  const [first, second] = witnessKeys
  const any = policyText('any')
  const all = policyText('all')
  const bare = inlineReceipt(log, 0)
  const one = inlineReceipt(log, 0, log.checkpoint([first!]))
  const both = inlineReceipt(log, 0, log.checkpoint(witnessKeys))
  t.equal(judge(bare, any).code, 'quorum_unmet')
  t.equal(judge(one, any).ok, true)
  t.equal(judge(one, all).code, 'quorum_unmet')
  t.equal(judge(both, all).ok, true)
  t.equal(resultOf(judge(both, all), 'quorum'), 'pass')
  const twice = inlineReceipt(log, 0, log.checkpoint([second!, second!]))
  t.equal(judge(twice, all).code, 'quorum_unmet', 'one voice counts once')
  const early = { clock: { now: () => (WITNESS_TIME - 301) * 1000 } }
  t.equal(verifyBundle(formatReceipt(both), all, early).code, 'quorum_unmet', 'cosigned in the future')
  const onTime = { clock: { now: () => (WITNESS_TIME - 299) * 1000 } }
  t.equal(verifyBundle(formatReceipt(both), all, onTime).ok, true)
})

void t.test('a damaged signature of a known key spoils the checkpoint', async (t) => {
  const checkpoint = log.checkpoint()
  const spoilt = appendSignatures(checkpoint, [
    { name: witnessKeys[0]!.name, keyId: witnessKeys[0]!.keyId, signature: new Uint8Array(72) },
  ])
  const receipt = inlineReceipt(log, 0, spoilt)
  t.equal(judge(receipt, policyText('any')).code, 'bad_signature')
  t.equal(judge(receipt).ok, true, 'to a verifier that does not know the witness it says nothing')
})

void t.test('a wrong proof, index or tree is not included', async (t) => {
  const good = inlineReceipt(log, 1)
  t.equal(judge({ ...good, index: 2 }).code, 'not_included')
  t.equal(judge({ ...good, proof: log.proof(2) }).code, 'not_included')
  t.equal(judge({ ...good, index: 11 }).code, 'not_included')
  t.equal(judge({ ...good, proof: [] }).code, 'not_included')
  t.equal(judge({ ...good, entry: signAction(actionOf(77), [agentKey]) }).code, 'not_included')
})

void t.test('an unreadable policy fails as such and trusts nobody', async (t) => {
  const verdict = verifyBundle(formatReceipt(inlineReceipt(log, 0)), 'log x\n')
  t.equal(verdict.ok, false)
  t.equal(resultOf(verdict, 'policy'), 'malformed_policy')
  t.equal(resultOf(verdict, 'signature'), 'not-checked')
})

void t.test('bytes of any kind are judged, never thrown at', async (t) => {
  let state = 42
  const random = () => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) / 2 ** 32
  const good = formatReceipt(sealedReceipt(log, 6))
  for (let i = 0; i < 1500; i++) {
    const bytes = i % 2 === 0 ? Uint8Array.from(good) : new Uint8Array(Math.floor(random() * 400))
    for (let j = 0; j < 1 + i / 50; j++)
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256)
    if (i % 5 === 0)
      bytes.copyWithin(Math.floor(random() * bytes.length), Math.floor(random() * bytes.length))
    const verdict = verifyBundle(bytes, policy)
    if (verdict.ok && Buffer.compare(bytes, good) !== 0) t.fail('a damaged receipt verifies')
  }
  for (const bytes of [
    new Uint8Array(0),
    Buffer.from('\n'),
    Buffer.from('null\n'),
    Buffer.alloc(600_000, 0x5b),
  ])
    t.equal(verifyBundle(bytes, policy).ok, false)
  t.equal(
    verifyBundle(Buffer.concat([Buffer.alloc(600_000, 0x20), Buffer.from('\n')]), policy).code,
    'too_large',
  )
})
