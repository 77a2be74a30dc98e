import type { VariableDefinition } from './definition.js'
import { scalarVariable } from './scalar.js'

/** Value of the last match. */
export const matchedVar = scalarVariable('MATCHED_VAR', (state) => state.matchedVariable.value)

export const matchedVarName = scalarVariable('MATCHED_VAR_NAME', (state) => state.matchedVariable.name)

/** All values that the current chain has matched so far, by full name. */
export const matchedVars: VariableDefinition = {
  name: 'MATCHED_VARS',
  kind: 'collection',
  entries: (state) => state.matchedVariables.map(({ name, value }) => ({ key: name, value })),
}

export const matchedVarsNames: VariableDefinition = {
  name: 'MATCHED_VARS_NAMES',
  kind: 'collection',
  entries: (state) => state.matchedVariables.map(({ name }) => ({ key: name, value: name })),
}
