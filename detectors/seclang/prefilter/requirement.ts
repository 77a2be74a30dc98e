import { anyClass, maskOf } from './mask.js'

/**
 * What must be true of a value for an operator to match it. It may ask too little, never too much: judging a value that it does not admit would answer
 * no and do nothing else. What it admits has to be judged.
 */
export interface Requirement {
  /** Fewest and most bytes. */
  readonly minLength: number
  readonly maxLength: number
  /** Sets of byte classes (`byteClass`): of each set the value holds at least one. */
  readonly someOf: readonly number[]
  /** Byte classes that all bytes of the value are of. */
  readonly within: number
  /** Texts, in lower case: the value holds at least one, ASCII case ignored, or a byte of one of the classes `instead`. Undefined when nothing is known. */
  readonly literals: readonly string[] | undefined
  readonly instead: number
}

/** Asks nothing. */
export const noRequirement: Requirement = {
  minLength: 0,
  maxLength: Infinity,
  someOf: [],
  within: anyClass,
  literals: undefined,
  instead: 0,
}

/** Admits nothing. */
export const impossible: Requirement = { ...noRequirement, minLength: Infinity, maxLength: -1, someOf: [0] }

/** Whether a value can match: what `Prefilter` answers for many requirements at once. */
export function admits(requirement: Requirement, value: string): boolean {
  const { minLength, maxLength, literals, instead } = requirement
  const mask = maskOf(value)
  if (value.length < minLength || value.length > maxLength) return false
  if (!admitsMask(requirement, mask)) return false
  if (literals === undefined || (mask & instead) !== 0) return true
  const lower = lowerAscii(value)
  return literals.some((literal) => lower.includes(literal))
}

/** The same, of the mask alone. */
export function admitsMask({ someOf, within }: Requirement, mask: number): boolean {
  return (mask & ~within) === 0 && someOf.every((classes) => (mask & classes) !== 0)
}

/** ASCII letters in lower case, all other bytes as they are. */
export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}
