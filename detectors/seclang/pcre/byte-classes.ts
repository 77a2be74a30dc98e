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

/** Splits the 256 bytes into the classes that a program can tell apart. */
export function byteClasses(program: Program): ByteClasses {
  const words = program.assertions.some((what) => what === 'wordBoundary' || what === 'notWordBoundary')
  const lines = program.assertions.some((what) => what === 'afterLine' || what === 'beforeLine')
  const of = new Uint8Array(256)
  const ids = new Map<string, number>()
  const samples: number[] = []
  for (let byte = 0; byte < 256; byte++) {
    let signature = ''
    for (const set of program.sets) signature += set.has(byte) ? '1' : '0'
    if (words) signature += wordBytes.has(byte) ? 'w' : '-'
    if (lines) signature += byte === 10 ? 'n' : '-'
    let id = ids.get(signature)
    if (id === undefined) {
      id = samples.length
      ids.set(signature, id)
      samples.push(byte)
    }
    of[byte] = id
  }
  return { count: samples.length, of, sample: Uint8Array.from(samples) }
}
