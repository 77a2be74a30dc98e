import type { HeaderList } from '../detectors/request.js'
import type { Verdict } from '../detectors/verdict.js'
import { blockPage } from './block-page.js'

/** A response that the gateway gives itself. */
export interface Answer {
  readonly status: number
  readonly headers: HeaderList
  readonly body: string
}

/** Whether a verdict ends the transaction. */
export const isFinal = (verdict: Verdict): boolean => verdict.action !== 'allow' && verdict.action !== 'log'

/** A page of ours with some more fields. */
export const pageAnswer = (
  status: number,
  requestId: string,
  requestHeaders: HeaderList,
  extra: HeaderList = [],
): Answer => {
  const page = blockPage(status, requestId, requestHeaders)
  return { status, headers: [...page.headers, ...extra], body: page.body }
}

/**
 * What a client gets for a verdict that ends its transaction.
 *
 * @returns undefined for `drop`: the connection is cut without an answer
 */
export const verdictAnswer = (
  verdict: Verdict,
  requestId: string,
  requestHeaders: HeaderList,
): Answer | undefined => {
  if (verdict.action === 'drop') return undefined
  if (verdict.action === 'redirect' && verdict.location !== undefined)
    return {
      status: verdict.status >= 300 && verdict.status < 400 ? verdict.status : 302,
      headers: [
        ['Location', verdict.location],
        ['Cache-Control', 'no-store'],
        ['X-Request-Id', requestId],
      ],
      body: '',
    }
  const retry: HeaderList =
    verdict.retryAfter === undefined ? [] : [['Retry-After', String(verdict.retryAfter)]]
  return pageAnswer(verdict.status >= 400 ? verdict.status : 403, requestId, requestHeaders, retry)
}
