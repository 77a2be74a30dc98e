import t from 'tap'
import { decode, encode } from 'cborg'
import {
  formatCoseReceipt,
  leafHash,
  parseCoseReceipt,
  parsePolicy,
  ProofError,
  verifyCoseReceipt,
} from '../../proofs/index.js'
import { damage, growth, randomSource } from './random.js'
import { logKey, policyText, sampleLog, strangerKey } from './sample-log.js'

const log = sampleLog()
const policy = parsePolicy(policyText())
const leaf = (index: number) => leafHash(log.entries[index]!)
const receiptOf = (index: number, signer = logKey) =>
  formatCoseReceipt({ index, size: log.entries.length, proof: log.proof(index) }, log.root, signer)

/** Frozen: entry 4 of the sample log. */
const FROZEN =
  '0oRYS6QBJwRYIN0vtOGLXhzjDEYzqqX2gdp5w7MpmMxaohsRScNyMaasD6EBeBxsb2cuZXhhbXBsZS8zNDc1MGY5OG' +
  'JkNTlmY2ZjGQGLAaEZAYyhIIFYjIMLBIRYIBhxk2TrjNgrhNaNXzsKis1aC53t9RDB6YVtj5TWbSbIWCA9hiU5HzoD' +
  'j2hxiheLzDwdyz9Tlly/uzBc00Vcs59+8lggP+bnKG/K/7St/BPS839Zp5tQ3ENps8oeYAp2+EM9fF1YIJVrTdWq9L' +
  'J02a/5gVml5gUd/pBlJWS8rFRp4uXkgbx/9lhAEWjaL2Hn768Q0YYwEzMSby3nzFlV/MW6Nic28fiylUaZkW0aL8to' +
  'nHUFoKHxKtP2YxQUr9kOEeQqRMZRy8d6Dw=='

void t.test('every entry has a receipt that verifies', async (t) => {
  for (let index = 0; index < log.entries.length; index++) {
    const bytes = receiptOf(index)
    t.match(verifyCoseReceipt(bytes, leaf(index), policy), { index, size: 11, origin: logKey.name })
    t.same(parseCoseReceipt(bytes).proof.length, log.proof(index).length)
  }
  t.equal(Buffer.from(receiptOf(4)).toString('base64'), FROZEN, 'frozen')
})

void t.test('it is laid out as RFC 9942 says', async (t) => {
  const bytes = receiptOf(4)
  t.equal(bytes[0], 0xd2, 'tag 18')
  const [header, unprotected, payload, signature] = decode(bytes.subarray(1), { useMaps: true }) as [
    Uint8Array,
    Map<number, Map<number, Uint8Array[]>>,
    null,
    Uint8Array,
  ]
  t.equal(payload, null, 'detached')
  t.equal(signature.length, 64)
  const map = decode(header, { useMaps: true }) as Map<number, unknown>
  t.same([...map.keys()], [1, 4, 15, 395])
  t.equal(map.get(395), 1)
  const [size, index, path] = decode(unprotected.get(396)!.get(-1)![0]!) as [number, number, Uint8Array[]]
  t.same([size, index], [11, 4])
  t.same(
    path.map((hash) => Buffer.from(hash)),
    log.proof(4).map((hash) => Buffer.from(hash)),
  )
})

void t.test('another leaf, log, path or place is refused by name', async (t) => {
  const good = receiptOf(4)
  const code = (work: () => unknown) => {
    try {
      work()
    } catch (error) {
      return error instanceof ProofError ? error.machineCode : String(error)
    }
    return 'ok'
  }
  t.equal(
    code(() => verifyCoseReceipt(good, leaf(5), policy)),
    'bad_signature',
  )
  t.equal(
    code(() => verifyCoseReceipt(receiptOf(4, strangerKey), leaf(4), policy)),
    'unknown_key',
  )
  t.equal(
    code(() => verifyCoseReceipt(good, leaf(4), parsePolicy('quorum none\n'))),
    'unknown_key',
  )
  const changed = (over: object) =>
    formatCoseReceipt({ index: 4, size: 11, proof: log.proof(4), ...over }, log.root, logKey)
  t.equal(
    code(() => verifyCoseReceipt(changed({ index: 5 }), leaf(4), policy)),
    'bad_signature',
  )
  t.equal(
    code(() => verifyCoseReceipt(changed({ size: 99 }), leaf(4), policy)),
    'not_included',
  )
  t.equal(
    code(() => verifyCoseReceipt(changed({ index: 11 }), leaf(4), policy)),
    'not_included',
  )
  t.equal(
    code(() => verifyCoseReceipt(changed({ proof: log.proof(4).slice(1) }), leaf(4), policy)),
    'not_included',
  )
  t.equal(
    code(() => parseCoseReceipt(changed({ proof: [new Uint8Array(31)] }))),
    'malformed_receipt',
  )
  t.equal(
    code(() => parseCoseReceipt(changed({ index: -1 }))),
    'malformed_receipt',
  )
  const parts = decode(good.subarray(1), { useMaps: true }) as unknown[]
  const spelled = (value: unknown) => Buffer.concat([Uint8Array.of(0xd2), encode(value)])
  const wrong: Record<string, Uint8Array> = {
    'no tag': good.subarray(1),
    'a payload': spelled(parts.with(2, log.root)),
    'three parts': spelled(parts.slice(1)),
    'another header': spelled(parts.with(1, new Map([[1, 1]]))),
    'two proofs': spelled(
      parts.with(1, new Map([[396, new Map([[-1, [new Uint8Array(1), new Uint8Array(1)]]])]])),
    ),
    'a signature of text': spelled(parts.with(3, 'x')),
    'bytes behind it': Buffer.concat([good, Uint8Array.of(0)]),
    'an indefinite list': Buffer.concat([Uint8Array.of(0xd2, 0x9f), good.subarray(2), Uint8Array.of(0xff)]),
    'a longer length than is needed': Buffer.concat([Uint8Array.of(0xd2, 0x98, 0x04), good.subarray(2)]),
    nothing: new Uint8Array(0),
  }
  for (const [what, bytes] of Object.entries(wrong))
    t.equal(
      code(() => parseCoseReceipt(bytes)),
      'malformed_receipt',
      what,
    )
  t.equal(
    code(() => parseCoseReceipt(new Uint8Array(9000).fill(0xd2))),
    'too_large',
  )
})

void t.test('any flipped bit is noticed, and hostile bytes only ever give a proof error', async (t) => {
  const good = receiptOf(4)
  const refused = (bytes: Uint8Array) => {
    try {
      verifyCoseReceipt(bytes, leaf(4), policy)
    } catch (error) {
      if (!(error instanceof ProofError)) throw error
      return true
    }
    return false
  }
  const sizes: number[] = []
  good.forEach((byte, at) => {
    for (let bit = 0; bit < 8; bit++) {
      const bytes = Uint8Array.from(good, (b, i) => (i === at ? byte ^ (1 << bit) : b))
      if (refused(bytes)) continue
      const { size, ...rest } = parseCoseReceipt(bytes)
      t.same({ ...rest, size: 11 }, parseCoseReceipt(good))
      sizes.push(size)
    }
  })
  t.same(sizes, [10, 9, 15], 'but in the size, which is not signed, where the path fits it')
  const random = randomSource(3)
  for (let i = 0; i < 2000; i++) {
    const bytes = damage(good, random)
    if (!refused(bytes) && parseCoseReceipt(bytes).index !== 4) t.fail('a damaged receipt verifies')
  }
  const nested = growth(
    (n) => () => refused(Buffer.concat([Uint8Array.of(0xd2), Buffer.alloc(n, 0x81)])),
    1500,
  )
  t.ok(nested < 10, `${nested}`)
})
