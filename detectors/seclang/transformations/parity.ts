import type { Transformation } from '../transformation.js'

function table(map: (low: number, odd: boolean) => number): readonly string[] {
  return Array.from({ length: 256 }, (_, byte) => {
    const low = byte & 0x7f
    let ones = 0
    for (let rest = low; rest > 0; rest >>= 1) ones += rest & 1
    return String.fromCharCode(map(low, ones % 2 === 1))
  })
}

/** A transformation that maps each byte by its low seven bits and whether an odd number of them is set. */
export function parity(map: (low: number, odd: boolean) => number): Transformation {
  const bytes = table(map)
  return (value) => {
    let out = ''
    for (let at = 0; at < value.length; at++) out += bytes[value.charCodeAt(at) & 0xff] ?? ''
    return out
  }
}
