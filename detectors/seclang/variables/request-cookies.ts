import type { VariableDefinition } from './definition.js'

export const requestCookies: VariableDefinition = {
  name: 'REQUEST_COOKIES',
  kind: 'collection',
  entries: (state) => state.cookies,
}

export const requestCookiesNames: VariableDefinition = {
  name: 'REQUEST_COOKIES_NAMES',
  kind: 'collection',
  entries: (state) => state.names.of(state.cookies),
}
