import { z } from 'zod'
import { attempt } from '../../proofs/errors.js'
import { parseWitnessPolicy } from './policy.js'

/** `ledger.witnesses:` in the configuration. */
export const witnessesConfig = z
  .strictObject({
    policy: z
      .string()
      .superRefine((text, context) => {
        const read = attempt(() => parseWitnessPolicy(text))
        if ('error' in read) context.addIssue({ code: 'custom', message: read.error.message })
      })
      .optional()
      .describe(
        'Witnesses, groups and the quorum, as lines of a C2SP tlog-policy: `witness <name> <vkey> <url>`, ' +
          '`group <name> <k>|any|all <name>...`, `quorum <name>`. Either this or `policy_file`.',
      ),
    policy_file: z.string().min(1).optional().describe('A file that holds such a policy.'),
    failure: z
      .enum(['closed', 'open'])
      .default('closed')
      .describe(
        'What `POST /v1/entries?wait=witnessed` answers when the quorum does not come in time: `closed` 503 quorum_unmet, ' +
          '`open` 201 with a proof that the log alone signed, and says so. With `closed` the ledger is not ready without ' +
          'its quorum. The entry stands in the log either way. Default closed.',
      ),
    wait_seconds: z
      .number()
      .min(0.1)
      .max(60)
      .default(10)
      .describe('How long such a request waits for the quorum. Default 10.'),
    timeout_seconds: z
      .number()
      .min(0.1)
      .max(60)
      .default(5)
      .describe('For one request to a witness, connecting included. Default 5.'),
    interval_seconds: z
      .number()
      .min(0)
      .max(60)
      .default(0.2)
      .describe(
        'Least time between two checkpoints that witnesses are asked for; those in between are left out. Default 0.2.',
      ),
    refresh_seconds: z
      .number()
      .min(1)
      .max(600)
      .default(300)
      .describe(
        'A checkpoint that stays the newest is cosigned again after this time, so that its freshness shows. Default 300.',
      ),
  })
  .refine(
    ({ policy, policy_file }) => (policy === undefined) !== (policy_file === undefined),
    'takes either policy or policy_file',
  )
  .optional()
  .describe('Who cosigns the checkpoints of this log. Default: nobody.')

export type WitnessesConfig = NonNullable<z.output<typeof witnessesConfig>>
