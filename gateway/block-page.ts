import type { HeaderList } from '../detectors/request.js'
import { listValues } from './header-fields.js'

export interface Page {
  readonly headers: HeaderList
  readonly body: string
}

/** What a person reads for a status that the gateway itself answers; nothing of it depends on rules or on the request. */
const TEXTS: Readonly<Record<number, readonly [title: string, text: string]>> = {
  400: ['Bad request', 'The request does not follow HTTP and was not passed on.'],
  403: ['Request blocked', 'The request was refused by the security policy of this site.'],
  404: ['Not found', 'There is nothing here.'],
  405: ['Method not allowed', 'This method cannot be used here.'],
  408: ['Request timed out', 'The request did not arrive in time.'],
  413: ['Request too large', 'The body of the request is larger than this site accepts.'],
  429: ['Too many requests', 'Wait a while and try again.'],
  500: ['Internal error', 'The request could not be handled.'],
  502: ['Bad gateway', 'The service behind this site did not give a valid answer.'],
  503: ['Service unavailable', 'The service behind this site cannot take requests right now.'],
  504: ['Gateway timeout', 'The service behind this site did not answer in time.'],
}

/** Quality of a media range for JSON and for HTML: the more specific range wins (RFC 9110, section 12.5.1). */
const quality = (ranges: readonly string[], type: string, subtype: string): number => {
  let best = 0
  let rank = -1
  for (const range of ranges) {
    const [media = '', ...parameters] = range.split(';')
    const name = media.trim().toLowerCase()
    const specific = name === `${type}/${subtype}` ? 2 : name === `${type}/*` ? 1 : name === '*/*' ? 0 : -1
    if (specific <= rank) continue
    const q = parameters.map((part) => part.trim()).find((part) => /^q=/i.test(part))
    const value = q === undefined ? 1 : Number(q.slice(2))
    rank = specific
    best = Number.isFinite(value) ? Math.min(Math.max(value, 0), 1) : 0
  }
  return best
}

/** HTML named first and without a parameter, as browsers do: nothing is above it. */
const HTML_AT_ITS_BEST = /^text\/html *(?:,|$)/i

/** Whether a client would rather read JSON than HTML. Without a preference it gets HTML. */
export const prefersJson = (headers: HeaderList): boolean => {
  const first = headers.find(([name]) => name.length === 6 && name.toLowerCase() === 'accept')
  if (first === undefined || HTML_AT_ITS_BEST.test(first[1])) return false
  const ranges = listValues(headers, 'accept').slice(0, 32)
  if (ranges.length === 0) return false
  return quality(ranges, 'application', 'json') > quality(ranges, 'text', 'html')
}

/**
 * The page for a request that the gateway answers itself. It shows the request id, with which an operator finds the
 * verdict, and never says which rule, phase, limit or upstream was involved.
 */
export const blockPage = (status: number, requestId: string, requestHeaders: HeaderList): Page => {
  const [title, text] = TEXTS[status] ?? ['Request refused', 'The request was not passed on.']
  const common: HeaderList = [
    ['Cache-Control', 'no-store'],
    ['X-Content-Type-Options', 'nosniff'],
    ['X-Request-Id', requestId],
  ]
  if (prefersJson(requestHeaders))
    return {
      headers: [['Content-Type', 'application/json'], ...common],
      body: `${JSON.stringify({ status, error: title, message: text, request_id: requestId })}\n`,
    }
  return {
    headers: [
      ['Content-Type', 'text/html; charset=utf-8'],
      ['Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"],
      ...common,
    ],
    body: `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${status} ${title}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:36em;margin:15vh auto;padding:0 1em}code{user-select:all}</style>
<h1>${title}</h1>
<p>${text}</p>
<p>Request id: <code>${requestId}</code></p>
</html>
`,
  }
}
