import t from 'tap'
import { createPublicKey, verify } from 'node:crypto'
import { join } from 'node:path'
import {
  checkPublicKey,
  generateSeed,
  importPrivateKey,
  importPublicKey,
  verifyEd25519,
  verifyEd25519Async,
} from '../../proofs/ed25519.js'
import { SMALL_ORDER_POINTS } from '../../proofs/edwards25519.js'
import { readJson, vectorFolder } from './vector-data.js'
import { randomSource } from './random.js'

const hex = (text: string) => Buffer.from(text, 'hex')

interface Wycheproof {
  numberOfTests: number
  testGroups: {
    publicKey: { pk: string }
    tests: { tcId: number; comment: string; msg: string; sig: string; result: 'valid' | 'invalid' }[]
  }[]
}

void t.test('Wycheproof vectors', async (t) => {
  const folder = vectorFolder('wycheproof')
  if (folder === undefined) {
    t.plan(0, 'skipped: no data')
    return
  }
  const data = readJson(join(folder, 'ed25519_test.json')) as Wycheproof
  let run = 0
  for (const group of data.testGroups) {
    const key = hex(group.publicKey.pk)
    for (const { tcId, comment, msg, sig, result } of group.tests) {
      t.equal(verifyEd25519(key, hex(msg), hex(sig)), result === 'valid', `${tcId} ${comment}`)
      t.equal(await verifyEd25519Async(key, hex(msg), hex(sig)), result === 'valid', `${tcId} on the pool`)
      run++
    }
  }
  t.equal(run, 151, 'all vectors ran')
  t.equal(run, data.numberOfTests)
})

void t.test('RFC 8032 section 7.1, test 2', async (t) => {
  const key = importPrivateKey(hex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb'))
  t.same(key.publicKey, hex('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c'))
  t.same(
    key.sign(hex('72')),
    hex(
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
        '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    ),
  )
})

void t.test('what is signed verifies, and nothing near it does', async (t) => {
  const random = randomSource(3)
  const key = importPrivateKey(generateSeed())
  const message = random.bytes(100)
  const signature = key.sign(message)
  t.equal(verifyEd25519(key.publicKey, message, signature), true)
  for (let i = 0; i < 64; i++) {
    const damaged = Uint8Array.from(signature)
    damaged[i] = (damaged[i] ?? 0) ^ (1 << random.below(8))
    if (verifyEd25519(key.publicKey, message, damaged)) t.fail(`byte ${i} of the signature`)
  }
  t.equal(verifyEd25519(key.publicKey, message.subarray(1), signature), false)
  t.equal(verifyEd25519(key.publicKey, message, signature.subarray(1)), false)
  t.equal(verifyEd25519(key.publicKey, message, Buffer.concat([signature, signature])), false)
  t.equal(verifyEd25519(importPrivateKey(generateSeed()).publicKey, message, signature), false)
})

void t.test('every point of small order is a weak key, although the platform would take it', async (t) => {
  const identity = hex(SMALL_ORDER_POINTS[0]!)
  const forged = Buffer.concat([identity, Buffer.alloc(32)])
  const platform = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: identity.toString('base64url') },
    format: 'jwk',
  })
  t.equal(verify(null, Buffer.from('any message'), platform, forged), true, 'this is why')
  t.equal(SMALL_ORDER_POINTS.length, 8)
  for (const point of SMALL_ORDER_POINTS) {
    t.throws(() => importPublicKey(hex(point)), { code: 'WEAK_KEY' }, point)
    t.throws(() => verifyEd25519(hex(point), Buffer.from('x'), forged), { code: 'WEAK_KEY' })
    await t.rejects(verifyEd25519Async(hex(point), Buffer.from('x'), forged), { code: 'WEAK_KEY' })
  }
})

void t.test('every second spelling of a point is a weak key', async (t) => {
  let refused = 0
  for (let y = 0xed; y <= 0xff; y++) {
    for (const top of ['7f', 'ff']) {
      t.throws(() => checkPublicKey(hex(`${y.toString(16)}${'ff'.repeat(30)}${top}`)), { code: 'WEAK_KEY' })
      refused++
    }
  }
  t.equal(refused, 38, 'y from p to 2^255−1 with both signs')
  t.throws(() => checkPublicKey(hex(`01${'00'.repeat(30)}80`)), { code: 'WEAK_KEY' }, 'minus zero at y = 1')
  t.throws(() => checkPublicKey(hex(`ec${'ff'.repeat(31)}`)), { code: 'WEAK_KEY' }, 'minus zero at y = −1')
})

void t.test('bytes that are no point, or no key at all, are malformed', async (t) => {
  t.throws(() => checkPublicKey(hex(`02${'00'.repeat(31)}`)), { code: 'MALFORMED_KEY' })
  t.throws(() => checkPublicKey(new Uint8Array(31)), { code: 'MALFORMED_KEY' })
  t.throws(() => checkPublicKey(new Uint8Array(0)), { code: 'MALFORMED_KEY' })
  t.throws(() => importPrivateKey(new Uint8Array(33)), { code: 'MALFORMED_KEY' })
})

void t.test('honest keys pass, however many', async (t) => {
  for (let i = 0; i < 200; i++) checkPublicKey(importPrivateKey(generateSeed()).publicKey)
  const random = randomSource(5)
  const half = { point: 0, none: 0 }
  for (let i = 0; i < 300; i++) {
    try {
      checkPublicKey(random.bytes(32))
      half.point++
    } catch {
      half.none++
    }
  }
  t.ok(half.point > 90 && half.none > 90, 'about half of all strings are points')
})

void t.test('the cache of key objects is bounded and keeps answering', async (t) => {
  const first = importPrivateKey(generateSeed())
  const signature = first.sign(Buffer.from('x'))
  const cached = importPublicKey(first.publicKey)
  t.equal(importPublicKey(first.publicKey), cached, 'the same object again')
  t.equal(verifyEd25519(first.publicKey, Buffer.from('x'), signature), true)
})
