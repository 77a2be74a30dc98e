import { subjectKey } from '../answers/action.js'
import type { CommandConfig } from '../answers/config.js'
import type { Incident } from '../incident.js'
import type { PlaybookConfig } from './config.js'
import { matches } from './match.js'
import { exactActions } from './playbooks.js'

/** What a playbook would do about an incident as it is now. */
export interface Rehearsal {
  readonly playbook: string
  readonly matches: boolean
  /** One line for each exact action, in order. It may hold what a client sent. */
  readonly would: readonly string[]
}

/** Says what a playbook would do, without doing anything. */
export function rehearse(
  playbook: PlaybookConfig,
  incident: Incident,
  commands: readonly CommandConfig[],
): Rehearsal {
  const would = playbook.actions.flatMap((action): string[] => {
    if (!('approval' in action)) {
      const { type, ...rest } = action
      return [`${type} ${JSON.stringify(rest)}`]
    }
    const exact = exactActions(action, incident.evidence, commands)
    if (exact.length === 0) return [`${action.type}: nothing in the evidence that it could be done to`]
    const how = [
      ...('seconds' in action ? [`for ${action.seconds} s`] : []),
      ...(action.approval ? ['once a person says yes'] : []),
    ]
    const subjects = new Set(exact.map(subjectKey))
    return [...subjects].map((subject) => [action.type, subject, ...how].join(' '))
  })
  return { playbook: playbook.name, matches: matches(playbook.match, incident), would }
}
