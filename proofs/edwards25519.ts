import { Buffer } from 'node:buffer'
import { encodeHex, viewOf } from './bytes.js'

/** p = 2^255 − 19. */
const P = 2n ** 255n - 19n
/** d of −x² + y² = 1 + d·x²·y² (RFC 8032 section 5.1). */
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n

/**
 * The eight points whose order divides 8, as RFC 8032 encodes them: orders 1, 2, 4, 4, 8, 8, 8, 8. Under such a public
 * key one signature can verify for every message.
 */
export const SMALL_ORDER_POINTS: readonly string[] = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
]

const smallOrder = new Set(SMALL_ORDER_POINTS)

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${encodeHex(Buffer.from(bytes).reverse())}`)
}

function withoutSign(point: Uint8Array): Uint8Array {
  const y = Buffer.from(point)
  y[31] = (y[31] ?? 0) & 0x7f
  return y
}

/**
 * Whether 32 bytes are a point of small order, or spell a point in another way than the canonical one: y not below p, or
 * the sign bit set where x is 0.
 */
export function isWeakEncoding(point: Uint8Array): boolean {
  if (smallOrder.has(viewOf(point).toString('hex'))) return true
  const y = littleEndian(withoutSign(point))
  return y >= P || y === 1n || y === P - 1n
}

/** Whether 32 bytes decode to a point of edwards25519 (RFC 8032 section 5.1.3). */
export function isOnCurve(point: Uint8Array): boolean {
  const y = littleEndian(withoutSign(point))
  if (y >= P) return false
  const square = (y * y) % P
  const numerator = (square - 1n + P) % P
  const denominator = (D * square + 1n) % P
  // x² = u/v has a root exactly when u·v is a square (v is never 0), which Euler's criterion tells.
  const product = (numerator * denominator) % P
  return product === 0n || power(product, (P - 1n) / 2n) === 1n
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  let factor = base % P
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * factor) % P
    factor = (factor * factor) % P
  }
  return result
}
