import type { Entry } from '../collections/entry.js'
import { NO_ENTRIES } from '../collections/entry.js'
import type { VariableDefinition } from './definition.js'

/** What the current rule says about itself. */
export const rule: VariableDefinition = {
  name: 'RULE',
  kind: 'collection',
  entries: (state) => {
    const current = state.rule
    if (current === undefined) return NO_ENTRIES
    const entries: Entry[] = [{ key: 'id', value: String(current.id) }]
    const add = (key: string, value: string | undefined): void => {
      if (value !== undefined && value !== '') entries.push({ key, value })
    }
    add('rev', current.rev)
    add('severity', current.severity?.toString())
    add('msg', current.msg.expand(state))
    add('logdata', current.logdata.expand(state))
    return entries
  },
}
