import { z } from 'zod'

import { parseNetwork } from '../../detectors/ip-address.js'

/** Each patch has two rule ids of a reserved range. */
const MAX_PATCHES = 400

/** `gateway.answers` in the configuration. */
export const answersConfig = z
  .strictObject({
    never_ban: z
      .array(
        z.string().refine((text) => parseNetwork(text) !== undefined, 'must be an address or a CIDR network'),
      )
      .max(10_000)
      .default([])
      .describe(
        'Clients that no answer to an incident may ban, beside our own addresses, the upstreams, the admin address and the ' +
          'trusted proxies: administrators, monitoring. A ban that touches one is refused. Default none.',
      ),
    max_seconds: z
      .int()
      .min(60)
      .max(31_536_000)
      .default(604_800)
      .describe('An answer holds this long at most; a longer one is cut to it. Seconds; default a week.'),
    max_bans: z
      .int()
      .min(1)
      .max(100_000)
      .default(10_000)
      .describe('Bans at a time; a further one is refused and those that are there stay. Default 10000.'),
    max_urls: z
      .int()
      .min(1)
      .max(100_000)
      .default(1000)
      .describe('Blocked paths at a time; a further one is refused. Default 1000.'),
    max_patches: z
      .int()
      .min(1)
      .max(MAX_PATCHES)
      .default(100)
      .describe(
        'Virtual patches at a time; a further one is refused. Each costs every request of its site. Default 100.',
      ),
  })
  .prefault({})
  .describe('Answers to incidents that the gateway carries out: bans, blocked paths, virtual patches.')

export type AnswersConfig = z.output<typeof answersConfig>
