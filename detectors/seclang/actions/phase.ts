import type { SeclangPhase } from '../rule.js'
import { type ActionDefinition, badArgument } from './definition.js'

const PHASES: ReadonlyMap<string, SeclangPhase> = new Map<string, SeclangPhase>([
  ['1', 1],
  ['2', 2],
  ['request', 2],
  ['3', 3],
  ['4', 4],
  ['response', 4],
  ['5', 5],
  ['logging', 5],
])

/** The seclang phase that an argument of `phase` names. */
export function seclangPhase(argument: string): SeclangPhase | undefined {
  return PHASES.get(argument.trim().toLowerCase())
}

/** When the rule runs: 1 request headers, 2 request body, 3 response headers, 4 response body, 5 logging. */
export const phase: ActionDefinition = {
  name: 'phase',
  kind: 'metadata',
  argument: 'required',
  apply: (link, argument, context) => {
    const number = seclangPhase(argument)
    if (number === undefined)
      throw badArgument('phase', argument, '1 to 5, request, response or logging', context)
    link.rule.phase = number
  },
}
