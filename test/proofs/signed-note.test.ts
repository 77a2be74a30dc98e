import t from 'tap'
import {
  appendSignatures,
  compareSignatures,
  formatNote,
  MAX_NOTE_BYTES,
  parseNote,
  signNote,
  verifyNote,
  verifyNoteStrictly,
} from '../../proofs/signed-note.js'
import { decodeVkey, encodeVkey, noteSigner } from '../../proofs/note-key.js'
import { ProofError } from '../../proofs/errors.js'
import { damage, growth, randomSource } from './random.js'
import { seedOf } from './sample-log.js'

const alice = noteSigner('alice', seedOf(1))
const bob = noteSigner('bob', seedOf(2))
const keyOf = (signer: typeof alice) => decodeVkey(encodeVkey(signer))
const junk = { name: 'junk', keyId: 1, signature: new Uint8Array(64) }

void t.test('what is signed is read back and verifies', async (t) => {
  const note = signNote('hello\n', [alice])
  const parsed = parseNote(note)
  t.equal(parsed.text, 'hello\n')
  t.same(Buffer.from(parsed.textBytes), Buffer.from('hello\n'))
  t.equal(parsed.signatures.length, 1)
  const { verified, unknown } = verifyNote(parsed, [keyOf(bob), keyOf(alice)])
  t.equal(verified[0]?.verifier.name, 'alice')
  t.equal(unknown.length, 0)
  t.same(formatNote(parsed.textBytes, parsed.signatures), note)
})

void t.test('the text may hold blank lines; the last one separates', async (t) => {
  for (const text of ['a\n\nb\n', '\n\n\n', '\u2014 not a signature\n', '\n']) {
    const parsed = parseNote(signNote(text, [alice]))
    t.equal(parsed.text, text)
    t.equal(verifyNote(parsed, [keyOf(alice)]).verified.length, 1)
  }
})

void t.test('malformed notes are refused', async (t) => {
  const good = Buffer.from(signNote('text\n', [alice])).toString()
  const line = good.split('\n')[2] ?? ''
  const wrong: Record<string, string | Buffer> = {
    empty: '',
    'no signatures': 'text\n',
    'a blank line but no signatures': 'text\n\n',
    'no final newline': good.slice(0, -1),
    'text without newline before the blank line': `text${line}\n`,
    'a hyphen for the dash': good.replace('\u2014', '-'),
    'no space after the dash': good.replace('\u2014 ', '\u2014'),
    'two spaces': good.replace('\u2014 ', '\u2014  '),
    'a space at the end': good.replace(/\n$/, ' \n'),
    'a tab': good.replace('text', 'te\txt'),
    'a carriage return': good.replaceAll('\n', '\r\n'),
    'a NUL': good.replace('text', 'te\0xt'),
    'a plus in the name': good.replace('alice', 'al+ice'),
    'a no-break space in the name': good.replace('alice', 'al\u00a0ice'),
    'no name': good.replace('alice', ''),
    'no signature': `text\n\n\u2014 alice \n`,
    'a signature of four bytes': `text\n\n\u2014 alice AAAAAA==\n`,
    'base64 that is not canonical': good.replace(/=\n$/, '\n'),
    'more than 16 signatures': good + `${line}\n`.repeat(16),
    'text behind the signatures': `${good}more\n`,
    'invalid UTF-8': Buffer.concat([Buffer.of(0xff), Buffer.from(good)]),
    'a key name of 201 bytes': good.replace('alice', 'a'.repeat(201)),
  }
  for (const [name, note] of Object.entries(wrong))
    t.throws(() => parseNote(Buffer.from(note)), { code: 'MALFORMED_NOTE' }, name)
  t.throws(() => parseNote(Buffer.alloc(MAX_NOTE_BYTES + 1, 0x61)), { code: 'TOO_LARGE' })
})

void t.test('sixteen signatures are accepted', async (t) => {
  const signers = Array.from({ length: 16 }, (_, i) => noteSigner(`k${i}`, seedOf(i + 1)))
  const note = signNote('x\n', signers)
  t.equal(verifyNote(parseNote(note), signers.map(keyOf)).verified.length, 16)
  t.throws(() => signNote('x\n', [...signers, alice]), { code: 'MALFORMED_NOTE' })
  t.throws(() => signNote('x\n', []), { code: 'MALFORMED_NOTE' })
  t.throws(() => signNote('x', [alice]), { code: 'MALFORMED_NOTE' })
  t.throws(() => signNote('x\r\n', [alice]), { code: 'MALFORMED_NOTE' })
  t.throws(() => signNote('x\n', [alice, alice]), { code: 'MALFORMED_NOTE' })
})

void t.test('generic verification ignores unknown keys and nothing else', async (t) => {
  const note = signNote('x\n', [alice])
  const withJunk = parseNote(appendSignatures(note, [junk]))
  t.equal(verifyNote(withJunk, [keyOf(alice)]).unknown.length, 1)
  t.throws(() => verifyNote(withJunk, [keyOf(bob)]), { code: 'UNKNOWN_KEY' })
  t.throws(() => verifyNote(withJunk, []), { code: 'UNKNOWN_KEY' })
  const spoilt = appendSignatures(note, [{ ...junk, name: 'bob', keyId: bob.keyId }])
  t.throws(() => verifyNote(parseNote(spoilt), [keyOf(alice), keyOf(bob)]), { code: 'BAD_SIGNATURE' })
  const sameName = appendSignatures(note, [{ ...junk, name: 'bob' }])
  t.equal(verifyNote(parseNote(sameName), [keyOf(alice), keyOf(bob)]).verified.length, 1, 'another key id')
  const sameId = appendSignatures(note, [{ ...junk, keyId: bob.keyId }])
  t.equal(verifyNote(parseNote(sameId), [keyOf(alice), keyOf(bob)]).verified.length, 1, 'another name')
  t.throws(
    () => verifyNote(parseNote(note), [keyOf(alice), keyOf(alice)]),
    { code: 'UNKNOWN_KEY' },
    'ambiguous',
  )
})

void t.test('strict verification lets no line be added, doubled or moved', async (t) => {
  const both = signNote('x\n', [bob, alice])
  const keys = [keyOf(alice), keyOf(bob)]
  const parsed = parseNote(both)
  t.same(
    parsed.signatures.map(({ name }) => name),
    ['alice', 'bob'],
    'sorted by the signer',
  )
  t.equal(verifyNoteStrictly(parsed, keys).verified.length, 2)
  const [first, second] = parsed.signatures
  const text = Buffer.from('x\n')
  const strictly = (note: Uint8Array) => () => verifyNoteStrictly(parseNote(note), keys)
  t.throws(strictly(formatNote(text, [second!, first!])), { code: 'MALFORMED_NOTE' }, 'unsorted')
  t.throws(strictly(formatNote(text, [first!, first!])), { code: 'MALFORMED_NOTE' }, 'doubled')
  t.throws(strictly(appendSignatures(both, [junk])), { code: 'UNKNOWN_KEY' }, 'added')
  t.throws(strictly(formatNote(text, [first!, { ...second!, signature: new Uint8Array(64) }])), {
    code: 'BAD_SIGNATURE',
  })
})

void t.test('lines are sorted by bytes of the name, then by key id', async (t) => {
  const line = (name: string, id = 1) => ({ name, keyId: id })
  t.ok(compareSignatures(line('a'), line('b')) < 0)
  t.ok(compareSignatures(line('Z'), line('a')) < 0)
  t.ok(compareSignatures(line('\uffee'), line('😀')) < 0, 'by UTF-8, not UTF-16')
  t.ok(compareSignatures(line('a', 1), line('a', 0xffffffff)) < 0)
  t.equal(compareSignatures(line('a'), line('a')), 0)
})

void t.test('hostile notes only ever give a proof error', async (t) => {
  const random = randomSource(21)
  const good = signNote('line\n\nmore\n', [alice, bob])
  const keys = [keyOf(alice), keyOf(bob)]
  let accepted = 0
  for (let i = 0; i < 4000; i++) {
    const bytes = damage(good, random)
    try {
      const parsed = parseNote(bytes)
      if (Buffer.compare(formatNote(parsed.textBytes, parsed.signatures), bytes) !== 0)
        t.fail('a note that is not written as it was read')
      verifyNoteStrictly(parsed, keys)
      if (parsed.text !== 'line\n\nmore\n') t.fail('another text verifies')
      accepted++
    } catch (error) {
      if (!(error instanceof ProofError)) throw error
    }
  }
  t.pass(`${accepted} of 4000 were as good as before`)
})

void t.test('parsing is linear', async (t) => {
  const refuse = (text: string) => {
    const bytes = Buffer.from(text)
    return () => {
      try {
        parseNote(bytes)
      } catch {
        return
      }
    }
  }
  t.ok(growth((n) => refuse(`${'\n'.repeat(n)}\u2014 a AAAAAAAA\n`), 50_000) < 10, 'newlines')
  t.ok(growth((n) => refuse(`x\n\n${'\u2014 a AAAAAAAA\n'.repeat(n)}`), 5_000) < 10, 'signatures')
  t.ok(growth((n) => refuse(`x\n\n\u2014 ${'a'.repeat(n)} AAAAAAAA\n`), 50_000) < 10, 'a name')
})
