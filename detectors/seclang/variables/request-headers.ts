import type { VariableDefinition } from './definition.js'

export const requestHeaders: VariableDefinition = {
  name: 'REQUEST_HEADERS',
  kind: 'collection',
  entries: (state) => state.headers,
}

export const requestHeadersNames: VariableDefinition = {
  name: 'REQUEST_HEADERS_NAMES',
  kind: 'collection',
  entries: (state) => state.names.of(state.headers),
}
