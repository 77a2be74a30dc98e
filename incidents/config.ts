import { z } from 'zod'
import { hostPort } from '../runtime/host-port.js'
import { secretReference } from '../runtime/secret.js'
import { httpUrl } from '../runtime/url.js'

const severity = z.enum(['info', 'low', 'medium', 'high', 'critical'])

const tokenHolder = z.strictObject({
  name: z
    .string()
    .regex(/^[\w.@-]{1,64}$/)
    .describe('Who holds the token; records show it as `person:NAME`.'),
  token: secretReference.describe('The bearer token: env:NAME, file:PATH or exec:[…].'),
})

/** `incidents:` in the configuration. */
export const incidentsConfig = z
  .strictObject({
    listen: hostPort
      .optional()
      .describe(
        'TCP address for webhooks of trackers, results and tunnels of agents, and the API; beside the Unix socket in the data ' +
          'folder. TLS belongs in front of it. Default: none.',
      ),
    public_url: httpUrl
      .transform((url) => url.replace(/\/+$/, ''))
      .optional()
      .describe(
        'How others reach `listen`; agents post their results below it. Default: http:// and `listen`, unless that is every ' +
          'address of the machine, or one of its own and an agent is elsewhere.',
      ),
    tokens: z
      .array(tokenHolder)
      .max(100)
      .default([])
      .refine(
        (holders) => new Set(holders.map(({ name }) => name)).size === holders.length,
        'two tokens have the same name',
      )
      .describe('Who may use the API over TCP. Default nobody: then it answers only on the Unix socket.'),
    min_severity: severity
      .default('low')
      .describe('Events below it make no incident; they stay in the ledger and logs.'),
    group_seconds: z
      .number()
      .int()
      .min(60)
      .max(30 * 86_400)
      .default(86_400)
      .describe(
        'After this long without a repeat the next like event opens a new incident. Default one day.',
      ),
    storm: z
      .strictObject({
        incidents: z
          .number()
          .int()
          .min(1)
          .max(1000)
          .default(30)
          .describe(
            'So many incidents may open within the window; what else is detected then becomes part of one incident, the ' +
              'storm, with true counts. Default 30.',
          ),
        window_seconds: z
          .number()
          .int()
          .min(1)
          .max(86_400)
          .default(300)
          .describe('Length of the window. Default 300.'),
      })
      .prefault({})
      .describe('When incidents open faster than anybody can read them.'),
    dead_letters: z
      .strictObject({
        keep_days: z
          .int()
          .min(1)
          .max(3650)
          .default(30)
          .describe(
            'An older one is deleted and cannot be tried again; its incident still says what failed. Default 30.',
          ),
        most: z
          .int()
          .min(1)
          .max(1_000_000)
          .default(10_000)
          .describe('Of more than that the oldest are deleted, which the log says. Default 10000.'),
      })
      .prefault({})
      .describe('What follows from incidents and was given up: alerts, issues, dispatches.'),
  })
  .prefault({})
  .describe('What happens after a detection')

export type IncidentsConfig = z.output<typeof incidentsConfig>
