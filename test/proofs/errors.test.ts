import t from 'tap'
import { attempt, PROOF_CODES, ProofError } from '../../proofs/errors.js'

void t.test('an error has its word in both spellings and keeps its cause', async (t) => {
  const cause = new Error('below')
  const error = new ProofError('not_canonical', 'above', { cause })
  t.equal(error.code, 'NOT_CANONICAL')
  t.equal(error.machineCode, 'not_canonical')
  t.equal(error.cause, cause)
  t.equal(error.name, 'ProofError')
  t.type(error, Error)
})

void t.test('the words that were published stay', async (t) => {
  const published =
    'malformed_note not_canonical duplicate_key unknown_key key_not_valid_at weak_key bad_signature wrong_session ' +
    'seq_gap forked truncated not_included bad_root inconsistent quorum_unmet anchor_missing anchor_not_final ' +
    'anchor_mismatch equivocation'
  for (const word of published.split(' ')) t.ok((PROOF_CODES as readonly string[]).includes(word), word)
})

void t.test('a long quote of hostile input is cut', async (t) => {
  t.ok(new ProofError('malformed_note', 'x'.repeat(100_000)).message.length < 1000)
})

void t.test('attempt hands back the value or the proof error and lets others through', async (t) => {
  t.same(
    attempt(() => 7),
    { value: 7 },
  )
  const error = new ProofError('bad_root', 'x')
  t.same(
    attempt(() => {
      throw error
    }),
    { error },
  )
  t.throws(
    () =>
      attempt(() => {
        throw new RangeError('other')
      }),
    RangeError,
  )
})

void t.test('what could steer a terminal is spelled out', async (t) => {
  const { message } = new ProofError('unknown_key', 'a\u001b[2J\u009bm\u202eb\n\u2028c é😀')
  t.equal(message, 'a\\u{1b}[2J\\u{9b}m\\u{202e}b\\u{a}\\u{2028}c é😀')
})
