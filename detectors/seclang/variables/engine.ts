import { scalarVariable } from './scalar.js'

export const uniqueId = scalarVariable('UNIQUE_ID', (state) => state.tx.id)

/** The gravest severity among the rules that matched so far; 255 while none has. */
export const highestSeverity = scalarVariable('HIGHEST_SEVERITY', (state) => String(state.highestSeverity))

export const sessionId = scalarVariable('SESSIONID', (state) => state.sessionId)

export const userId = scalarVariable('USERID', (state) => state.userId)

export const resourceId = scalarVariable('RESOURCEID', (state) => state.resourceId)

export const webAppId = scalarVariable('WEBAPPID', (state) => state.webAppId)

/** Rules use it to tell versions apart: the language level of ModSecurity 3.0.0. */
export const modsecBuild = scalarVariable('MODSEC_BUILD', () => '030000000')

/** 1 when a pattern saw only a part of a value because the value is longer than the pattern's bound. */
export const pcreLimitsExceeded = scalarVariable('MSC_PCRE_LIMITS_EXCEEDED', (state) =>
  state.tx.truncated.some((limit) => limit.startsWith('regex')) ? '1' : '0',
)

export const pcreError = scalarVariable('MSC_PCRE_ERROR', (state) =>
  state.tx.truncated.some((limit) => limit.startsWith('regex')) ? '1' : '0',
)
