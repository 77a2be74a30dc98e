import { z } from 'zod'

/** `ledger.client:` in the configuration: how every role records what it did. */
export const ledgerClientConfig = z
  .strictObject({
    max_batch: z
      .int()
      .min(1)
      .max(8192)
      .default(256)
      .describe('Actions under one seal at most; a larger batch costs fewer signatures. Default 256.'),
    max_delay_ms: z
      .int()
      .min(0)
      .max(60_000)
      .default(200)
      .describe(
        'An action waits this long for others before its batch is sealed; what waits is lost with the process. Default 200.',
      ),
    summary_above_per_second: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(1000)
      .describe(
        'Actions of one second beyond this many are counted in a signed `security.summary` instead of being recorded one ' +
          'by one; they have no receipt of their own. Default 1000.',
      ),
  })
  .prefault({})
  .describe('How roles record what they did.')

export type LedgerClientConfig = z.output<typeof ledgerClientConfig>
