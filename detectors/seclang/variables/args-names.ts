import type { VariableDefinition } from './definition.js'

export const argsNames: VariableDefinition = {
  name: 'ARGS_NAMES',
  kind: 'collection',
  entries: (state) => state.names.of(state.args),
}

export const argsGetNames: VariableDefinition = {
  name: 'ARGS_GET_NAMES',
  kind: 'collection',
  entries: (state) => state.names.of(state.argsGet),
}

export const argsPostNames: VariableDefinition = {
  name: 'ARGS_POST_NAMES',
  kind: 'collection',
  entries: (state) => state.names.of(state.argsPost),
}
