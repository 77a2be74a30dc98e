/** Patterns that make a backtracking matcher explode, each with a text to repeat. */
export const EXPLOSIVE: readonly (readonly [source: string, piece: string])[] = [
  ['(a+)+$', 'a'],
  ['((a{1,20})+)+$', 'a'],
  ['(a|a)*b', 'a'],
  ['(.*)*x', 'a'],
  ['a+b', 'a'],
  ['<[^>]*>', '<'],
  ['(?:a?){30}a{30}c', 'a'],
  ['(\\w+\\s?)*$', 'a !'],
  ['^(?=.*b)(a+)+$', 'a'],
  ['x.{0,60}y', 'x'],
]
