import { randomFillSync } from 'node:crypto'

const POOL_BYTES = 4096
const RANDOM_BYTES = 10
/** Counter values of one millisecond; RFC 9562, section 6.2, method 1. */
const COUNTER_LIMIT = 0x1000

const pool = new Uint8Array(POOL_BYTES)
let used = POOL_BYTES
let lastMs = -1
let counter = 0

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
const hex = (byte: number): string => HEX[byte & 0xff] ?? ''

const takeRandom = (): number => {
  if (used + RANDOM_BYTES > POOL_BYTES) {
    randomFillSync(pool)
    used = 0
  }
  const start = used
  used += RANDOM_BYTES
  return start
}

/**
 * A UUID of version 7 (RFC 9562, section 5.7), lower case. Ids made by one process sort in the order in which they were
 * made: inside a millisecond the 12 bits of `rand_a` count on from a random start, and a clock that steps back is held.
 *
 * @param now milliseconds since the Unix epoch
 */
export const uuidv7 = (now: number): string => {
  const at = takeRandom()
  const random = (index: number): number => pool[at + index] ?? 0
  if (now > lastMs) {
    lastMs = Math.floor(now)
    // A start in the lower half leaves room for at least 2048 ids in this millisecond.
    counter = ((random(8) << 8) | random(9)) & 0x7ff
  } else if (++counter === COUNTER_LIMIT) {
    lastMs += 1
    counter = 0
  }
  const time = lastMs.toString(16).padStart(12, '0')
  const randA = (0x7000 | counter).toString(16)
  const variant = hex(0x80 | (random(0) & 0x3f))
  return (
    `${time.slice(0, 8)}-${time.slice(8)}-${randA}-${variant}${hex(random(1))}-` +
    hex(random(2)) +
    hex(random(3)) +
    hex(random(4)) +
    hex(random(5)) +
    hex(random(6)) +
    hex(random(7))
  )
}

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** Whether a text is a lower-case UUID of version 7. */
export const isUuidv7 = (text: string): boolean => text.length === 36 && UUID_V7.test(text)

/** The time in a UUID of version 7: milliseconds since the Unix epoch. */
export const uuidv7Time = (id: string): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
