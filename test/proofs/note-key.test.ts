import t from 'tap'
import {
  cosignatureMessage,
  cosignatureTime,
  cosigner,
  decodeSecretKey,
  decodeVkey,
  encodeSecretKey,
  encodeVkey,
  formatKeyId,
  isKeyName,
  keyId,
  noteSigner,
  noteVerifier,
  SIGNATURE_TYPES,
} from '../../proofs/note-key.js'
import { SMALL_ORDER_POINTS } from '../../proofs/edwards25519.js'
import { growth, randomSource, damage } from './random.js'
import { seedOf } from './sample-log.js'

void t.test('vkeys come back as they were', async (t) => {
  for (const type of Object.values(SIGNATURE_TYPES)) {
    const key = noteVerifier('log.example/a', noteSigner('x', seedOf(9)).publicKey, type)
    const vkey = encodeVkey(key)
    t.match(vkey, /^log\.example\/a\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}$/)
    const again = decodeVkey(vkey)
    t.equal(again.keyId, key.keyId)
    t.equal(again.type, type)
    t.same(again.publicKey, key.publicKey)
    t.equal(encodeVkey(again), vkey)
  }
})

void t.test('a public vkey of the Go checksum database reads as its owners do', async (t) => {
  const key = decodeVkey('sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8')
  t.equal(key.name, 'sum.golang.org')
  t.equal(formatKeyId(key.keyId), '033de0ae')
  t.equal(key.type, 1)
})

void t.test('wrong vkeys are refused with a reason', async (t) => {
  const vkey = encodeVkey(noteSigner('agent', seedOf(1)))
  const [, id = '', body = ''] = /^agent\+([0-9a-f]+)\+(.*)$/.exec(vkey) ?? []
  const wrong: Record<string, string> = {
    empty: '',
    'no parts': 'agent',
    'one part': `agent+${id}`,
    'no name': `+${id}+${body}`,
    'a name with a space': `a b+${id}+${body}`,
    'another name': `agenu+${id}+${body}`,
    'an upper-case id': `agent+${id.toUpperCase().replace(/^[0-9]+$/, 'ABCDEF01')}+${body}`,
    'a short id': `agent+${id.slice(1)}+${body}`,
    'base64 without padding': vkey.replace(/=*$/, ''),
    'a newline': `${vkey}\n`,
    'a short key': `agent+${id}+${Buffer.from([1, 2, 3]).toString('base64')}`,
    'an unknown type': `agent+${id}+${Buffer.concat([Buffer.of(6), Buffer.alloc(32)]).toString('base64')}`,
    'no key': `agent+${id}+`,
    'too long': `agent+${id}+${'A'.repeat(4000)}`,
  }
  for (const [name, text] of Object.entries(wrong)) {
    if (text === vkey) continue
    t.throws(() => decodeVkey(text), { code: 'MALFORMED_KEY' }, name)
  }
})

void t.test('a weak key cannot hide in a vkey', async (t) => {
  for (const point of SMALL_ORDER_POINTS) {
    const key = Buffer.from(point, 'hex')
    const vkey = `weak+${formatKeyId(keyId('weak', 1, key))}+${Buffer.concat([Buffer.of(1), key]).toString('base64')}`
    t.throws(() => decodeVkey(vkey), { code: 'WEAK_KEY' })
  }
})

void t.test('secret keys come back, and errors never quote them', async (t) => {
  const text = encodeSecretKey('agent', seedOf(7))
  t.match(text, /^PRIVATE\+KEY\+agent\+[0-9a-f]{8}\+/)
  const { signer, seed } = decodeSecretKey(text)
  t.same(new Uint8Array(seed), seedOf(7))
  t.equal(encodeVkey(signer), encodeVkey(noteSigner('agent', seedOf(7))))
  const secret = Buffer.concat([Buffer.of(1), seedOf(7)]).toString('base64')
  for (const wrong of [
    text.slice(8),
    text.replace('agent', 'other'),
    `${text}A`,
    text.replace('+AQ', '+BA'),
  ]) {
    try {
      decodeSecretKey(wrong)
      t.fail('read')
    } catch (error) {
      t.match(error, { code: 'MALFORMED_KEY' })
      t.notOk(String(error).includes(secret.slice(3, 20)), 'no secret in the message')
    }
  }
})

void t.test('key names', async (t) => {
  for (const name of ['a', 'log.example/x', 'ключ', '😀', 'x'.repeat(200)]) t.ok(isKeyName(name), name)
  for (const name of [
    '',
    'a b',
    'a+b',
    'a\u00a0b',
    'a\u3000',
    'a\n',
    'a\tb',
    '\ud800',
    'x'.repeat(201),
    'é'.repeat(101),
  ])
    t.notOk(isKeyName(name), JSON.stringify(name))
  t.throws(() => noteSigner('a b', seedOf(1)), { code: 'MALFORMED_KEY' })
  t.throws(() => noteVerifier('a+b', noteSigner('x', seedOf(1)).publicKey), { code: 'MALFORMED_KEY' })
})

void t.test('a cosignature covers its time', async (t) => {
  const key = cosigner(noteSigner('witness', seedOf(5)), () => 1_700_000_000_999)
  const verifier = decodeVkey(encodeVkey(key))
  const text = Buffer.from('log\n1\nAAAA\n')
  const signature = key.sign(text)
  t.equal(signature.length, 72)
  t.equal(cosignatureTime(signature), 1_700_000_000n)
  t.equal(cosignatureTime(signature.subarray(1)), undefined)
  t.equal(Buffer.from(cosignatureMessage(7n, text)).toString(), 'cosignature/v1\ntime 7\nlog\n1\nAAAA\n')
  t.equal(verifier.verify(text, signature), true)
  const later = Buffer.from(signature)
  later[7] = (later[7] ?? 0) + 1
  t.equal(verifier.verify(text, later), false)
  t.equal(verifier.verify(text, signature.subarray(8)), false)
})

void t.test('hostile vkeys only ever give a proof error, in linear time', async (t) => {
  const random = randomSource(11)
  const good = Buffer.from(encodeVkey(noteSigner('agent', seedOf(1))))
  for (let i = 0; i < 3000; i++) {
    try {
      decodeVkey(Buffer.from(damage(good, random)).toString('latin1'))
    } catch (error) {
      if (!/^(MALFORMED|WEAK)_KEY$/.test((error as { code?: string }).code ?? '')) t.fail(String(error))
    }
  }
  const refuse = (text: string) => () => {
    try {
      decodeVkey(text)
    } catch {
      return
    }
  }
  t.ok(growth((n) => refuse('a+'.repeat(n)), 200_000) < 10)
})
