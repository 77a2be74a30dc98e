import { ByteSet } from './byte-set.js'
import { wordBytes } from './classes.js'
import type { Program } from './program.js'

/** Bytes that no instruction of a program tells apart share a class; tables are indexed by class. */
export interface ByteClasses {
  readonly count: number
  /** Class of each byte. */
  readonly of: Uint8Array
  /** One byte of each class. */
  readonly sample: Uint8Array
}

const lineFeed = ByteSet.of(10)

/** Splits the 256 bytes into the classes that a program can tell apart. */
export function byteClasses(program: Program): ByteClasses {
  const words = program.assertions.some((what) => what === 'wordBoundary' || what === 'notWordBoundary')
  const lines = program.assertions.some((what) => what === 'afterLine' || what === 'beforeLine')
  const sets = [...program.sets, ...(words ? [wordBytes] : []), ...(lines ? [lineFeed] : [])]
  const of = new Uint8Array(256)
  let count = 1
  for (const set of sets) count = split(of, count, set)
  const sample = new Uint8Array(count)
  for (let byte = 255; byte >= 0; byte--) sample[of[byte] ?? 0] = byte
  return { count, of, sample }
}

/** Parts each class into the bytes that are in the set and those that are not; gives the number of classes. */
function split(of: Uint8Array, count: number, set: ByteSet): number {
  const sizes = new Uint16Array(count)
  for (const own of of) sizes[own] = (sizes[own] ?? 0) + 1
  const inside = new Uint16Array(count)
  for (const byte of set.bytes) inside[of[byte] ?? 0] = (inside[of[byte] ?? 0] ?? 0) + 1
  const parted = new Map<number, number>()
  for (let own = 0; own < inside.length; own++)
    if ((inside[own] ?? 0) > 0 && inside[own] !== sizes[own]) parted.set(own, count++)
  for (const byte of set.bytes) of[byte] = parted.get(of[byte] ?? 0) ?? of[byte] ?? 0
  return count
}
