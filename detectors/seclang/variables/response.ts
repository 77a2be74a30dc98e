import type { TransactionState } from '../state.js'
import type { VariableDefinition } from './definition.js'
import { scalarVariable } from './scalar.js'

export const responseHeaders: VariableDefinition = {
  name: 'RESPONSE_HEADERS',
  kind: 'collection',
  entries: (state) => state.responseHeaders,
}

export const responseHeadersNames: VariableDefinition = {
  name: 'RESPONSE_HEADERS_NAMES',
  kind: 'collection',
  entries: (state) => state.names.of(state.responseHeaders),
}

/** Status of the answer: of ours when the rules ended the transaction. */
export const responseStatus = scalarVariable('RESPONSE_STATUS', statusOf)

/** The same number under its other documented name. */
export const status = scalarVariable('STATUS', statusOf)

function statusOf(state: TransactionState): string | undefined {
  return state.endedWith > 0 ? String(state.endedWith) : state.tx.response?.status.toString()
}

export const statusLine = scalarVariable('STATUS_LINE', ({ tx }) =>
  tx.response === undefined ? undefined : `${tx.protocol} ${tx.response.status}`,
)

export const responseProtocol = scalarVariable('RESPONSE_PROTOCOL', ({ tx }) =>
  tx.response === undefined ? undefined : tx.protocol,
)

/** The response body, decoded from its content coding, as far as it was held. */
export const responseBody = scalarVariable('RESPONSE_BODY', (state) =>
  state.phase >= 4 && state.responseBodyAccess ? state.tx.responseBodyText : undefined,
)

/** Bytes of the response body: as announced, or as far as it was held. */
export const responseContentLength = scalarVariable('RESPONSE_CONTENT_LENGTH', ({ tx }) =>
  tx.response === undefined
    ? undefined
    : (tx.responseHeaders.get('content-length') ?? String(tx.responseBody.bytes.length)),
)

export const responseContentType = scalarVariable('RESPONSE_CONTENT_TYPE', ({ tx }) =>
  tx.response === undefined ? undefined : (tx.responseHeaders.get('content-type') ?? ''),
)

/** 1 when the response body went on past what was held. */
export const outboundDataError = scalarVariable('OUTBOUND_DATA_ERROR', (state) =>
  state.tx.responseBody.complete ? '0' : '1',
)
