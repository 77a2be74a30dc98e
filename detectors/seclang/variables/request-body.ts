import { scalarVariable } from './scalar.js'

/** The raw request body: for form bodies, or when `ctl:forceRequestBodyVariable` asks for it. */
export const requestBody = scalarVariable('REQUEST_BODY', (state) => {
  if (!state.bodyParsed) return undefined
  if (state.bodyProcessor !== 'URLENCODED' && !state.forceRequestBodyVariable) return undefined
  return state.tx.requestBodyText
})

/** Bytes of the request body that were held. */
export const requestBodyLength = scalarVariable('REQUEST_BODY_LENGTH', (state) =>
  String(state.bodyParsed ? state.tx.requestBody.bytes.length : 0),
)

export const reqbodyProcessor = scalarVariable('REQBODY_PROCESSOR', (state) => state.bodyProcessor)

/** 1 when the body processor could not read the body to its end. */
export const reqbodyError = scalarVariable('REQBODY_ERROR', (state) => (state.body.error === '' ? '0' : '1'))

export const reqbodyErrorMsg = scalarVariable('REQBODY_ERROR_MSG', (state) => state.body.error)

export const reqbodyProcessorError = scalarVariable('REQBODY_PROCESSOR_ERROR', (state) =>
  state.body.error === '' ? '0' : '1',
)

export const reqbodyProcessorErrorMsg = scalarVariable(
  'REQBODY_PROCESSOR_ERROR_MSG',
  (state) => state.body.error,
)

/** 1 when an escape in the query string or in a form body is broken. */
export const urlencodedError = scalarVariable('URLENCODED_ERROR', (state) =>
  state.urlencodedError ? '1' : '0',
)

/** 1 when the request body went on past what was held. */
export const inboundDataError = scalarVariable('INBOUND_DATA_ERROR', (state) =>
  state.tx.requestBody.complete ? '0' : '1',
)
