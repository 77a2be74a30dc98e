/**
 * What went wrong in other ledgers of agent actions, each with a test here or where it is named.
 *
 *  8 a retry after a restart makes no second entry: test/ledger/log.test.ts, and over HTTP with lost answers
 *    test/ledger/client/remote-client.test.ts
 * 10 transactions that were given up and mined later, anchors that a reorganisation undoes: test/ledger/anchor/anchorer.test.ts
 * 11 readers that wait for a writer's row: test/ledger/mirror/mysql-store.test.ts
 */
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import {
  canonicalize,
  checkAction,
  encodeVkey,
  formatAction,
  formatReceipt,
  leafHash,
  parseAction,
  parseEntry,
  sessionCompleteness,
  signAction,
  verifyBundle,
} from '../../proofs/index.js'
import type { ActionPayload } from '../../proofs/index.js'
import {
  actionOf,
  agentKey,
  inlineReceipt,
  policyText,
  sampleLog,
  SampleLog,
  sealedReceipt,
  session,
  strangerKey,
} from './sample-log.js'
import { bundleBytes, INDEXES, OTHER, sessionLog } from './sample-session.js'

const policy = policyText()
const HASH = 'ab'.repeat(32)
const code = (bytes: Uint8Array, by = policy, options = {}) => verifyBundle(bytes, by, options).code

void t.test('1: the key is never taken from what is verified', async (t) => {
  const forged = new SampleLog()
  forged.add(signAction(actionOf(0), [strangerKey]))
  t.equal(code(formatReceipt(inlineReceipt(forged, 0))), 'unknown_key')
  const text = Buffer.from(formatReceipt(inlineReceipt(forged, 0))).toString()
  const key = encodeVkey(strangerKey)
  t.equal(code(Buffer.from(text.replace(/\}\n$/, `,"public_key":"${key}"}\n`))), 'malformed_receipt')
})

void t.test('2: what is hashed are the bytes that came, not what was parsed out of them', async (t) => {
  const text = Buffer.from(formatAction(actionOf(0))).toString()
  const spaced = Buffer.from(text.replace('":', '": '))
  t.throws(() => parseAction(spaced), { code: 'NOT_CANONICAL' }, 'another spelling is no entry at all')
  t.not(Buffer.compare(leafHash(spaced), leafHash(Buffer.from(text))), 0)
})

void t.test('3: a key that stands twice is refused', async (t) => {
  const text = Buffer.from(formatAction(actionOf(0))).toString()
  t.throws(() => parseEntry(Buffer.from(text.replace('{', '{"agent":"mallory",'))), { code: 'DUPLICATE_KEY' })
})

void t.test('4: numbers and the order of keys are those of RFC 8785', async (t) => {
  t.equal(canonicalize([1e21, 1e-7, -0, 4.5, 1e2]), '[1e+21,1e-7,0,4.5,100]')
  t.equal(
    canonicalize({ '\ufb33': 1, '\u{1f600}': 2, '\r': 3 }),
    '{"\\r":3,"\u{1f600}":2,"\ufb33":1}',
    'by UTF-16 units',
  )
})

void t.test('5: a receipt or a bundle of one session is none of another', async (t) => {
  const log = sampleLog()
  for (const receipt of [inlineReceipt(log, 1), sealedReceipt(log, 5)]) {
    t.equal(code(formatReceipt(receipt), policy, { session }), undefined)
    t.equal(code(formatReceipt(receipt), policy, { session: OTHER }), 'wrong_session')
  }
  t.equal(code(bundleBytes(sessionLog(), INDEXES, { session: OTHER })), 'wrong_session')
})

void t.test('6: what a tool answered is committed to, beside what it was asked', async (t) => {
  const result = {
    ...actionOf(0),
    kind: 'tool.result',
    status: 'ok',
    out: { alg: 'hmac-sha256', hash: HASH, salted: true },
  }
  t.match(checkAction(result as unknown as ActionPayload), { out: { hash: HASH } })
})

void t.test('7: what can be guessed is committed to under a key or a salt', async (t) => {
  const verdict = (alg: string) => {
    const { target: _, in: __, ...common } = actionOf(0) as unknown as Record<string, unknown>
    const members = { action: 'block', mode: 'block', status: 403, score: 5, truncated: [] }
    return { ...common, kind: 'security.verdict', verdict: members, rules: [], record: { alg, hash: HASH } }
  }
  t.ok(checkAction(verdict('hmac-sha256') as unknown as ActionPayload))
  t.throws(() => checkAction(verdict('sha256') as unknown as ActionPayload), { code: 'MALFORMED_ACTION' })
})

void t.test('9: a cut tail, fan-out, offline batches, gaps and keys that ended are told apart', async (t) => {
  const log = sessionLog()
  const without = (...gone: number[]) =>
    bundleBytes(
      log,
      INDEXES.filter((index) => !gone.includes(index)),
    )
  t.equal(
    verifyBundle(without(12), policy).session?.state,
    'open',
    'a tail that is missing is never called closed',
  )
  t.equal(code(without(11)), 'seq_gap', 'a close counts what was before it')
  t.equal(code(without(2)), 'seq_gap', 'something is missing')
  const tampered = bundleBytes(log, INDEXES, { proof: [] })
  t.equal(code(tampered), 'not_included', 'something was changed')
  const parents = [HASH, 'cd'.repeat(32)]
  t.match(checkAction(actionOf(1, { parents })), { parents }, 'one action may follow from several')
  const twice = [actionOf(3), actionOf(3, { ts: 1 })].map((action) => ({
    action,
    leaf: leafHash(formatAction(action)),
  }))
  t.match(sessionCompleteness(twice), [{ state: 'forked' }], 'two streams under one number are seen')
  t.equal(
    code(formatReceipt(sealedReceipt(sampleLog(), 4))),
    undefined,
    'a batch that was sealed offline verifies',
  )
  const ended = policy.replace(encodeVkey(agentKey), `${encodeVkey(agentKey)} 0-1`)
  t.equal(code(formatReceipt(inlineReceipt(sampleLog(), 2)), ended), 'key_not_valid_at')
})

void t.test('12: no date of a regulation is stated', async (t) => {
  const root = new URL('../../', import.meta.url)
  const docs = readdirSync(new URL('docs/', root))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`)
  for (const page of [...docs, 'README.md', 'SECURITY.md', 'ledger/README.md', 'proofs/README.md'])
    t.notMatch(readFileSync(new URL(page, root), 'utf8'), /AI Act/i, page)
})
