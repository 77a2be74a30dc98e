import t from 'tap'
import { importPrivateKey } from '../../proofs/ed25519.js'
import { SMALL_ORDER_POINTS } from '../../proofs/edwards25519.js'
import { signature } from '../../proofs/kinds/members.js'
import { keyPossessionText, provePossession, verifyPossession } from '../../proofs/key-possession.js'
import { seedOf } from './sample-log.js'

const names = { origin: 'log.example/0011223344556677', name: 'agent', nonce: 'ab'.repeat(16) }
const { publicKey } = importPrivateKey(seedOf(1))
const claim = { ...names, publicKey }

void t.test('the text has five lines', async (t) => {
  const key = Buffer.from(publicKey).toString('base64')
  t.equal(
    Buffer.from(keyPossessionText(claim)).toString(),
    `portcullis.dev/key-pop/v1\nlog.example/0011223344556677\nagent\n${key}\n${'ab'.repeat(16)}\n`,
  )
})

void t.test('whoever holds the key can prove it, for this log, name and nonce only', async (t) => {
  const possession = provePossession(names, importPrivateKey(seedOf(1)))
  t.ok(signature.pattern?.test(possession), 'it fits the schema of key.register')
  verifyPossession(claim, possession)
  for (const other of [
    { ...claim, origin: 'log.example/1111111111111111' },
    { ...claim, name: 'another' },
    { ...claim, nonce: 'cd'.repeat(16) },
    { ...claim, publicKey: importPrivateKey(seedOf(2)).publicKey },
  ])
    t.throws(() => verifyPossession(other, possession), { code: 'BAD_SIGNATURE' })
  t.throws(() => verifyPossession(claim, `${possession} `), { code: 'BAD_SIGNATURE' })
  t.throws(() => verifyPossession(claim, ''), { code: 'BAD_SIGNATURE' })
})

void t.test('no part can be taken for another line, and no weak key can be proven', async (t) => {
  for (const wrong of [
    { origin: 'a\nb' },
    { name: 'a b' },
    { name: '' },
    { nonce: 'AB'.repeat(16) },
    { nonce: 'ab' },
  ])
    t.throws(() => keyPossessionText({ ...claim, ...wrong }), { code: 'MALFORMED_KEY' })
  for (const point of SMALL_ORDER_POINTS) {
    const weak = { ...claim, publicKey: Buffer.from(point, 'hex') }
    t.throws(() => verifyPossession(weak, Buffer.alloc(64).toString('base64')), { code: 'WEAK_KEY' })
  }
})
