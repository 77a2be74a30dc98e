import t from 'tap'
import {
  formatCheckpoint,
  logOrigin,
  parseCheckpoint,
  parseDecimal,
  parseSignedCheckpoint,
  signCheckpoint,
  verifyCheckpoint,
} from '../../proofs/checkpoint.js'
import { ProofError } from '../../proofs/errors.js'
import { EMPTY_ROOT, leafHash } from '../../proofs/merkle.js'
import { cosigner, decodeVkey, encodeVkey, noteSigner } from '../../proofs/note-key.js'
import { appendSignatures, parseNote, signNote } from '../../proofs/signed-note.js'
import { damage, growth, randomSource } from './random.js'
import { logKey, origin, sampleLog, seedOf, witnessKeys } from './sample-log.js'

const root = leafHash(Buffer.from('x'))
const checkpoint = { origin, size: 1, root }
const logVerifier = decodeVkey(encodeVkey(logKey))

void t.test('a checkpoint is three lines and comes back', async (t) => {
  const text = formatCheckpoint(checkpoint)
  t.equal(text, `${origin}\n1\n${Buffer.from(root).toString('base64')}\n`)
  t.same(parseCheckpoint(text), checkpoint)
  t.same(parseCheckpoint(formatCheckpoint({ origin, size: 0, root: EMPTY_ROOT })).size, 0)
})

void t.test('an origin is the name and sixteen digits of the key', async (t) => {
  t.match(origin, /^log\.example\/[0-9a-f]{16}$/)
  t.not(logOrigin('log.example', noteSigner('x', seedOf(9)).publicKey), origin)
  t.throws(() => logOrigin('two words', logKey.publicKey), { code: 'MALFORMED_CHECKPOINT' })
})

void t.test('malformed checkpoints are refused', async (t) => {
  const good = formatCheckpoint(checkpoint)
  const encoded = Buffer.from(root).toString('base64')
  const wrong: Record<string, string> = {
    empty: '',
    'no origin': good.replace(origin, ''),
    'a leading zero': good.replace('\n1\n', '\n01\n'),
    'a sign': good.replace('\n1\n', '\n-1\n'),
    'a space': good.replace('\n1\n', '\n1 \n'),
    'an exponent': good.replace('\n1\n', '\n1e3\n'),
    '2^53': good.replace('\n1\n', '\n9007199254740992\n'),
    '2^64': good.replace('\n1\n', '\n18446744073709551616\n'),
    'no size': good.replace('\n1\n', '\n\n'),
    'a short root': good.replace(encoded, encoded.slice(4)),
    'a root in another spelling': good.replace(/=\n$/, '\n'),
    'an extension line': `${good}more\n`,
    'a line less': good.replace(`${encoded}\n`, ''),
    'no final newline': good.slice(0, -1),
    'an empty tree with another root': good.replace('\n1\n', '\n0\n'),
  }
  for (const [name, text] of Object.entries(wrong))
    t.throws(() => parseCheckpoint(text), { code: 'MALFORMED_CHECKPOINT' }, name)
  t.same(
    parseCheckpoint(`${good}more\n`, { extensions: 'ignore' }),
    checkpoint,
    'a foreign log may have them',
  )
  t.throws(() => parseCheckpoint(`${good}\nmore\n`, { extensions: 'ignore' }), {
    code: 'MALFORMED_CHECKPOINT',
  })
  t.throws(() => formatCheckpoint({ ...checkpoint, origin: 'a\nb' }), { code: 'MALFORMED_CHECKPOINT' })
  t.throws(() => formatCheckpoint({ ...checkpoint, size: -1 }), { code: 'MALFORMED_CHECKPOINT' })
})

void t.test('decimals have one spelling', async (t) => {
  t.equal(parseDecimal('0'), 0)
  t.equal(parseDecimal('9007199254740991'), Number.MAX_SAFE_INTEGER)
  for (const text of ['', '00', '01', '-1', '+1', '1.0', '9007199254740992', '٣', '1\n'])
    t.equal(parseDecimal(text), undefined, JSON.stringify(text))
})

void t.test('only a key of the log vouches for its tree head', async (t) => {
  const note = signCheckpoint(checkpoint, [logKey])
  t.same(verifyCheckpoint(note, [logVerifier]).checkpoint, checkpoint)
  t.throws(() => verifyCheckpoint(note, []), { code: 'UNKNOWN_KEY' })
  t.throws(() => signCheckpoint(checkpoint, [noteSigner('other', seedOf(8))]), {
    code: 'MALFORMED_CHECKPOINT',
  })
  const other = noteSigner('other.example', seedOf(8))
  const byOther = signNote(formatCheckpoint(checkpoint), [other])
  t.throws(() => verifyCheckpoint(byOther, [decodeVkey(encodeVkey(other)), logVerifier]), {
    code: 'UNKNOWN_KEY',
  })
})

void t.test('a witness that bears the name of the log does not stand for it', async (t) => {
  const impostor = cosigner(noteSigner(origin, seedOf(8)), () => 0)
  const text = formatCheckpoint(checkpoint)
  const note = signNote(text, [impostor])
  t.throws(() => verifyCheckpoint(note, [decodeVkey(encodeVkey(impostor))]), { code: 'UNKNOWN_KEY' })
})

void t.test('cosignatures of known witnesses are reported, failing ones spoil the note', async (t) => {
  const note = sampleLog().checkpoint(witnessKeys)
  const keys = [logVerifier, ...witnessKeys.map((key) => decodeVkey(encodeVkey(key)))]
  t.equal(verifyCheckpoint(note, keys).verification.verified.length, 3)
  t.equal(verifyCheckpoint(note, [logVerifier]).verification.unknown.length, 2)
  const [first] = witnessKeys
  const spoilt = appendSignatures(sampleLog().checkpoint(), [
    { name: first!.name, keyId: first!.keyId, signature: new Uint8Array(72) },
  ])
  t.throws(() => verifyCheckpoint(spoilt, keys), { code: 'BAD_SIGNATURE' })
})

void t.test('a checkpoint may have many witnesses, within a bound', async (t) => {
  const crowd = Array.from({ length: 63 }, (_, i) =>
    cosigner(noteSigner(`w${i}.example`, seedOf(100 + i)), () => 0),
  )
  const keys = [logVerifier, ...crowd.map((key) => decodeVkey(encodeVkey(key)))]
  t.equal(verifyCheckpoint(sampleLog().checkpoint(crowd), keys).verification.verified.length, 64)
  const more = [...crowd, cosigner(noteSigner('one.more.example', seedOf(99)), () => 0)]
  t.throws(() => verifyCheckpoint(sampleLog().checkpoint(more), keys), { code: 'MALFORMED_NOTE' })
})

void t.test('hostile checkpoints only ever give a proof error, in linear time', async (t) => {
  const random = randomSource(61)
  const good = signCheckpoint(checkpoint, [logKey])
  const { textBytes } = parseNote(good)
  for (let i = 0; i < 3000; i++) {
    try {
      const signed = verifyCheckpoint(damage(good, random), [logVerifier])
      if (Buffer.compare(signed.note.textBytes, textBytes) !== 0) t.fail('another head verifies')
    } catch (error) {
      if (!(error instanceof ProofError)) throw error
    }
  }
  const refuse = (text: string) => {
    const bytes = Buffer.from(text)
    return () => {
      try {
        parseSignedCheckpoint(bytes)
      } catch {
        return
      }
    }
  }
  t.ok(growth((n) => refuse(`${'a\n'.repeat(n)}\n\u2014 a AAAAAAAA\n`), 30_000) < 10)
  t.ok(growth((n) => refuse(`a\n${'1'.repeat(n)}\n\n\u2014 a AAAAAAAA\n`), 60_000) < 10)
})
