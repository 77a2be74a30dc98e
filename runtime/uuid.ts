import { randomFillSync } from 'node:crypto'

const POOL_BYTES = 4096
const RANDOM_BYTES = 10
/** Counter values of one millisecond; RFC 9562, section 6.2, method 1. */
const COUNTER_LIMIT = 0x1000

const pool = new Uint8Array(POOL_BYTES)
let used = POOL_BYTES
let lastMs = -1
let counter = 0
/** The time of `lastMs` as it is written, with the dash within it and the one behind. */
let timeText = ''

/** 12 bits in three digits: an id is made of a few long pieces, since many share their time and joining is what costs. */
const HEX = Array.from({ length: 0x1000 }, (_, bits) => bits.toString(16).padStart(3, '0'))
const hex = (bits: number): string => HEX[bits & 0xfff] ?? ''
const VARIANTS = ['8', '9', 'a', 'b']

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
    timeText = writtenTime(lastMs)
    // A start in the lower half leaves room for at least 2048 ids in this millisecond.
    counter = ((random(8) << 8) | random(9)) & 0x7ff
  } else if (++counter === COUNTER_LIMIT) {
    lastMs += 1
    timeText = writtenTime(lastMs)
    counter = 0
  }
  const first = (random(0) << 8) | random(1)
  return (
    `${timeText}7${hex(counter)}-${VARIANTS[first >> 14] ?? ''}${hex(first)}-` +
    hex((random(2) << 4) | (random(3) >> 4)) +
    hex((random(3) << 8) | random(4)) +
    hex((random(5) << 4) | (random(6) >> 4)) +
    hex((random(6) << 8) | random(7))
  )
}

const writtenTime = (ms: number): string => {
  const time = ms.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-`
}

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** Whether a text is a lower-case UUID of version 7. */
export const isUuidv7 = (text: string): boolean => text.length === 36 && UUID_V7.test(text)

/** The time in a UUID of version 7: milliseconds since the Unix epoch. */
export const uuidv7Time = (id: string): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
