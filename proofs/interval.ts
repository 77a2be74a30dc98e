import { parseDecimal } from './checkpoint.js'
import { ProofError } from './errors.js'

function malformed(message: string): ProofError {
  return new ProofError('malformed_policy', message)
}

/** Numbers from `first` to `last`, both included; without `last` it never ends. */
export interface Interval {
  readonly first: number
  readonly last?: number
}

/**
 * Reads `<first>-[<last>]`; without a text, everything.
 *
 * @param what the numbers are, for the message
 */
export function parseInterval(text: string | undefined, what: string): Interval {
  if (text === undefined) return { first: 0 }
  const [from = '', to, ...more] = text.split('-')
  const first = parseDecimal(from)
  const last = to === undefined || to === '' ? undefined : parseDecimal(to)
  if (to === undefined || more.length > 0 || first === undefined || (to !== '' && last === undefined))
    throw malformed(`${text} is not an interval of ${what} such as 0- or 12-345`)
  if (last === undefined) return { first }
  if (last < first) throw malformed(`the interval ${text} ends before it starts`)
  return { first, last }
}

/** Writes an interval behind a line, with the blank before it; nothing for everything. */
export function formatInterval({ first, last }: Interval): string {
  return first === 0 && last === undefined ? '' : ` ${first}-${last ?? ''}`
}
