import type { Assertion } from './ast.js'
import { wordBytes } from './classes.js'

/** What lies on the near side of a position: bits of a context. */
export const context = { atStart: 1, afterLine: 2, afterWord: 4 } as const

/** Context behind a byte that was just read. */
export function contextAfter(byte: number): number {
  return (byte === 10 ? context.afterLine : 0) | (wordBytes.has(byte) ? context.afterWord : 0)
}

/** Whether an assertion holds between a context and the byte that comes next (-1: the value ends). */
export function holds(what: Assertion, before: number, next: number): boolean {
  switch (what) {
    case 'start':
      return (before & context.atStart) !== 0
    case 'notStart':
      return (before & context.atStart) === 0
    case 'end':
      return next < 0
    case 'notEnd':
      return next >= 0
    case 'afterLine':
      return (before & context.afterLine) !== 0
    case 'beforeLine':
      return next === 10
    case 'wordBoundary':
      return ((before & context.afterWord) !== 0) !== (next >= 0 && wordBytes.has(next))
    case 'notWordBoundary':
      return ((before & context.afterWord) !== 0) === (next >= 0 && wordBytes.has(next))
  }
}
