import type { ByteSet } from './byte-set.js'

/** What a pattern asserts of a position without consuming a byte; `afterLine` and `beforeLine` are the two sides of a line feed. */
export type Assertion =
  'start' | 'end' | 'notStart' | 'notEnd' | 'afterLine' | 'beforeLine' | 'wordBoundary' | 'notWordBoundary'

/** Syntax tree of a pattern, flags already applied: case is in the byte sets. */
export type Node =
  | { readonly kind: 'empty' }
  | { readonly kind: 'set'; readonly set: ByteSet }
  | { readonly kind: 'cat'; readonly items: readonly Node[] }
  | { readonly kind: 'alt'; readonly items: readonly Node[] }
  | {
      readonly kind: 'repeat'
      readonly node: Node
      readonly min: number
      /** Infinity when there is no upper limit. */
      readonly max: number
      readonly mode: 'greedy' | 'lazy'
    }
  | { readonly kind: 'group'; readonly node: Node; readonly index: number }
  | { readonly kind: 'atomic'; readonly node: Node }
  | { readonly kind: 'look'; readonly node: Node; readonly ahead: boolean; readonly negated: boolean }
  | { readonly kind: 'assert'; readonly what: Assertion }
  | { readonly kind: 'backreference'; readonly index: number; readonly caseless: boolean }
  /** `\K`: the match is reported from here on. */
  | { readonly kind: 'keep' }

export interface Pattern {
  readonly root: Node
  /** Number of capturing groups. */
  readonly groups: number
  readonly names: ReadonlyMap<string, number>
}

export const empty: Node = { kind: 'empty' }

export function cat(items: readonly Node[]): Node {
  const [only] = items
  if (only === undefined) return empty
  return items.length === 1 ? only : { kind: 'cat', items }
}
