import { randomFillSync } from 'node:crypto'

const POOL_BYTES = 16 * 1024
const RANDOM_BYTES = 10
/** Counter values of one millisecond; RFC 9562, section 6.2, method 1. */
const COUNTER_LIMIT = 0x1000

const pool = new Uint8Array(POOL_BYTES)
let used = POOL_BYTES
let lastMs = -1
let counter = 0

/**
 * The next id, with what it has in common with the last one. Made in bytes it is one string; one that was joined would have to be copied for
 * whoever looks into it.
 */
const text = Buffer.from('00000000-0000-7000-8000-000000000000')
const DIGITS = Buffer.from('0123456789abcdef')

/** Writes the lowest 12 bits as three digits. */
const write = (at: number, bits: number): void => {
  text[at] = DIGITS[(bits >> 8) & 15] ?? 0
  text[at + 1] = DIGITS[(bits >> 4) & 15] ?? 0
  text[at + 2] = DIGITS[bits & 15] ?? 0
}

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
    writeTime(lastMs)
    // A start in the lower half leaves room for at least 2048 ids in this millisecond.
    counter = ((random(8) << 8) | random(9)) & 0x7ff
  } else if (++counter === COUNTER_LIMIT) {
    lastMs += 1
    writeTime(lastMs)
    counter = 0
  }
  write(15, counter)
  const first = (random(0) << 8) | random(1)
  text[19] = DIGITS[8 | (first >> 14)] ?? 0
  write(20, first)
  write(24, (random(2) << 4) | (random(3) >> 4))
  write(27, (random(3) << 8) | random(4))
  write(30, (random(5) << 4) | (random(6) >> 4))
  write(33, (random(6) << 8) | random(7))
  return text.toString('latin1')
}

const writeTime = (ms: number): void => {
  const time = ms.toString(16).padStart(12, '0')
  text.write(time.slice(0, 8), 0, 'latin1')
  text.write(time.slice(8), 9, 'latin1')
}

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** Whether a text is a lower-case UUID of version 7. */
export const isUuidv7 = (text: string): boolean => text.length === 36 && UUID_V7.test(text)

/** The time in a UUID of version 7: milliseconds since the Unix epoch. */
export const uuidv7Time = (id: string): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
