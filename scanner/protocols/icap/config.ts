import { z } from 'zod'
import { hostPort } from '../../../runtime/host-port.js'

const UNJUDGED = ['block', 'pass'] as const

/** `scanner: icap:` in the configuration. */
export const icapConfig = z
  .strictObject({
    listen: hostPort
      .optional()
      .describe(
        'TCP address for ICAP (RFC 3507), service `scan`. It has no encryption and no password: keep it on a private address.',
      ),
    block: z
      .enum(['malicious', 'suspicious'])
      .default('malicious')
      .describe(
        '`malicious` lets suspicious contents pass, with a header that says so; `suspicious` blocks both. Default malicious.',
      ),
    on_error: z
      .enum(UNJUDGED)
      .default('block')
      .describe(
        'A content that could not be judged, such as a damaged archive or one that took too long: answer with HTTP 500 in its ' +
          'place, or let it pass with a header. Both are logged. Default block.',
      ),
    on_skipped: z
      .enum(UNJUDGED)
      .default('block')
      .describe(
        'A content that was not judged in full on purpose: over the limit of sizes, or with encrypted members. Default block.',
      ),
  })
  .prefault({})
  .describe('Serving ICAP clients, such as proxies. Default: not served.')

export type IcapPolicy = Omit<z.output<typeof icapConfig>, 'listen'>
