import t from 'tap'
import { formatAction, MAX_ENTRY_BYTES, signAction } from '../../proofs/action.js'
import { parseEntry, verifyEntry } from '../../proofs/entry.js'
import { ProofError } from '../../proofs/errors.js'
import { decodeVkey, encodeVkey } from '../../proofs/note-key.js'
import { signNote } from '../../proofs/signed-note.js'
import { damage, growth, randomSource } from './random.js'
import { actionOf, agentKey, approverKey, logKey, sampleLog, strangerKey } from './sample-log.js'

const keys = [agentKey, approverKey].map((key) => decodeVkey(encodeVkey(key)))

void t.test('the three types of entries are told apart by their bytes', async (t) => {
  const types = sampleLog().entries.map((bytes) => parseEntry(bytes).type)
  t.same(types, [
    ...Array.from({ length: 3 }, () => 'action'),
    ...Array.from({ length: 5 }, () => 'sealed'),
    'seal',
    'action',
    'action',
  ])
})

void t.test('signed entries verify; a sealed one alone never does', async (t) => {
  for (const bytes of sampleLog().entries) {
    const entry = parseEntry(bytes)
    if (entry.type === 'sealed') t.throws(() => verifyEntry(entry, keys), { code: 'UNSIGNED' })
    else t.ok(verifyEntry(entry, keys).verified.length >= 1)
  }
})

void t.test('entries of strangers and of others are refused', async (t) => {
  const of = (bytes: Uint8Array) => () => verifyEntry(parseEntry(bytes), keys)
  t.throws(of(signAction(actionOf(0), [strangerKey])), { code: 'UNKNOWN_KEY' })
  t.throws(of(signNote(formatAction(actionOf(0)), [approverKey])), { code: 'UNSIGNED' })
})

void t.test('a checkpoint, or any other note, is no entry', async (t) => {
  t.throws(() => parseEntry(sampleLog().checkpoint()), { code: 'MALFORMED_NOTE' })
  t.throws(() => parseEntry(signNote('hello\n', [logKey])), { code: 'MALFORMED_NOTE' })
  t.throws(() => parseEntry(new Uint8Array(0)), { code: 'MALFORMED_NOTE' })
  t.throws(() => parseEntry(Buffer.from('portcullis.dev/action/v1\n')), { code: 'MALFORMED_NOTE' })
  t.throws(() => parseEntry(Buffer.alloc(MAX_ENTRY_BYTES + 1)), { code: 'TOO_LARGE' })
})

void t.test('a sealed action with a blank line behind it is neither sealed nor signed', async (t) => {
  const text = formatAction(actionOf(0))
  t.throws(() => parseEntry(Buffer.concat([text, Buffer.from('\n')])), { code: 'MALFORMED_NOTE' })
  t.throws(() => parseEntry(Buffer.concat([text, text])), { name: 'ProofError' })
})

void t.test('hostile entries only ever give a proof error, in linear time', async (t) => {
  const random = randomSource(51)
  const { entries } = sampleLog()
  for (let i = 0; i < 4000; i++) {
    try {
      verifyEntry(parseEntry(damage(entries[i % entries.length]!, random)), keys)
    } catch (error) {
      if (!(error instanceof ProofError)) throw error
    }
  }
  const refuse = (text: string) => {
    const bytes = Buffer.from(text)
    return () => {
      try {
        parseEntry(bytes)
      } catch {
        return
      }
    }
  }
  t.ok(growth((n) => refuse(`portcullis.dev/action/v1\n${'{'.repeat(n)}\n`), 15_000) < 10)
  t.ok(growth((n) => refuse(`portcullis.dev/action/v1\n${'\n'.repeat(n)}`), 15_000) < 10)
  t.ok(growth((n) => refuse(`portcullis.dev/batch/v1\n${'\u2014 a\n'.repeat(n)}`), 2_000) < 10)
})
