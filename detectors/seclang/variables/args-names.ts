import type { Entry } from '../collections/entry.js'
import type { VariableDefinition } from './definition.js'

/** The names of entries as values, each under itself as key. */
export function namesOf(entries: readonly Entry[]): readonly Entry[] {
  return entries.map((entry) => ({ key: entry.key, value: entry.key, of: entry }))
}

export const argsNames: VariableDefinition = {
  name: 'ARGS_NAMES',
  kind: 'collection',
  entries: (state) => namesOf(state.args),
}

export const argsGetNames: VariableDefinition = {
  name: 'ARGS_GET_NAMES',
  kind: 'collection',
  entries: (state) => namesOf(state.argsGet),
}

export const argsPostNames: VariableDefinition = {
  name: 'ARGS_POST_NAMES',
  kind: 'collection',
  entries: (state) => namesOf(state.argsPost),
}
