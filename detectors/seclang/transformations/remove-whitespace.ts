import type { Transformation } from '../transformation.js'

const space = /[\t-\r \xa0]/

const isDropped = new Uint8Array(256)
isDropped.fill(1, 9, 14)
isDropped[32] = 1
isDropped[0xa0] = 1

/** Bytes that are worked on at a time. */
const scratch = Buffer.alloc(16 * 1024)

/** Drops all white space (C locale, and the byte 0xa0). */
export const removeWhitespace: Transformation = (value) => {
  if (!space.test(value)) return value
  let out = ''
  for (let from = 0; from < value.length; from += scratch.length) {
    const part = value.length <= scratch.length ? value : value.slice(from, from + scratch.length)
    const length = scratch.write(part, 'latin1')
    let kept = 0
    for (let at = 0; at < length; at++) {
      const byte = scratch[at] ?? 0
      if (isDropped[byte] === 0) scratch[kept++] = byte
    }
    out += scratch.toString('latin1', 0, kept)
  }
  return out
}
