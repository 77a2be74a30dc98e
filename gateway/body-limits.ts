import type { Pipeline } from '../detectors/pipeline.js'
import type { HoldLimits } from './body-hold.js'
import type { GatewayConfig } from './config.js'
import { GatewayError } from './errors.js'

/** How much of bodies is held for one site. */
export interface BodyLimits {
  readonly limits: HoldLimits
  readonly responseLimit: number
}

/**
 * Puts the limits of the gateway and those of SecLang directives together: for each, the stricter one counts, and a directive that
 * asks for more than the gateway holds is told so.
 *
 * @throws GatewayError `GATEWAY_SITE` for a directive whose meaning the gateway does not have
 */
export const bodyLimits = (
  limits: GatewayConfig['limits'],
  settings: Pipeline['settings'],
  warn: (message: string) => void,
): BodyLimits => {
  if (settings.responseBodyLimitAction === 'reject')
    throw new GatewayError(
      'GATEWAY_SITE',
      'SecResponseBodyLimitAction Reject is not offered: a response over the limit is judged up to it, streams on, and its ' +
        'verdict is marked truncated; write ProcessPartial',
    )
  if (settings.requestBodyLimitAction === 'process_partial')
    warn(
      'SecRequestBodyLimitAction ProcessPartial has no effect here: it is set for paths, with body: process-partial',
    )
  const stricter = (directive: string, asked: number | undefined, key: keyof typeof limits): number => {
    const own = Number(limits[key])
    if (asked === undefined) return own
    if (asked > own) warn(`${directive} ${asked} is over gateway.limits.${key}, ${own}, which stands`)
    return Math.min(asked, own)
  }
  return {
    limits: {
      body: stricter('SecRequestBodyLimit', settings.requestBodyLimit, 'body'),
      fields: stricter('SecRequestBodyNoFilesLimit', settings.requestBodyNoFilesLimit, 'fields'),
    },
    responseLimit: stricter('SecResponseBodyLimit', settings.responseBodyLimit, 'response_body'),
  }
}
