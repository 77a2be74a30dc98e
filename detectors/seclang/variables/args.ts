import type { VariableDefinition } from './definition.js'

/** All parameters: of the query string, then of the body. */
export const args: VariableDefinition = {
  name: 'ARGS',
  kind: 'collection',
  entries: (state) => state.args,
}

export const argsGet: VariableDefinition = {
  name: 'ARGS_GET',
  kind: 'collection',
  entries: (state) => state.argsGet,
}

export const argsPost: VariableDefinition = {
  name: 'ARGS_POST',
  kind: 'collection',
  entries: (state) => state.argsPost,
}
