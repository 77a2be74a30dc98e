import { isOver } from '../incident.js'
import type { IncidentState } from '../incident.js'

type States = Readonly<Record<IncidentState, string>>

/** Where one word stands for several states, the first of these is meant. */
const ORDER: readonly IncidentState[] = ['resolved', 'false_positive', 'in_progress', 'open', 'triaged']

/** The state of an incident for a tracker's word. @returns undefined for a word that stands for none */
export const stateFrom = (word: string, states: States): IncidentState | undefined =>
  ORDER.find((state) => states[state] === word)

/**
 * The state of an incident after its issue went from one word to another. A word of the tracker's own, such as `backlog`,
 * means something only where it leads back from an end.
 */
export function stateAfter(from: string, to: string, states: States): IncidentState | undefined {
  const known = stateFrom(to, states)
  if (known !== undefined) return known
  const before = stateFrom(from, states)
  return before !== undefined && isOver({ state: before }) ? 'open' : undefined
}
