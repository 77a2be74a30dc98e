/** Routes about the ledger itself. */
import { z } from 'zod'
import { witnessFacts } from '../witnessing/api.js'
import { json, JSON_TYPE, text, TEXT_TYPE } from './message.js'
import { problem } from './problem.js'
import { NONE, route } from './route.js'
import { size } from './schemas.js'

const CHANGING = { 'cache-control': 'no-cache' }
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

const health = z.strictObject({
  status: z.enum(['ok', 'unhealthy']),
  reason: z.string().optional(),
  origin: z.string(),
  size,
  checkpoint_time: z.int().describe('When the checkpoint was recorded; milliseconds since the Unix epoch.'),
  quorum: z
    .enum(['met', 'unmet'])
    .optional()
    .describe('Of the witnesses; only with witnesses, as what follows.'),
  witnessed_size: size.optional(),
  witnessed_time: z.number().optional(),
  key_requests: z
    .int()
    .optional()
    .describe('Keys that wait to be registered; only when there are any. `GET /v1/keys` says which.'),
  equivocations: z.int().optional().describe('Proofs that the log signed two histories.'),
})

export const getHealth = route({
  method: 'GET',
  path: '/health',
  name: 'getHealth',
  summary: 'Whether the ledger takes entries and covers what it acknowledged',
  access: 'open',
  parameters: NONE,
  query: NONE,
  answers: {
    200: { description: 'Healthy; an idle ledger is, too.', content: { [JSON_TYPE]: health } },
    503: { description: 'Not healthy; `reason` says why.', content: { [JSON_TYPE]: health } },
  },
  problems: [400],
  handle: ({ log, options }) => {
    const requests = log.keys.waiting.length
    const { size, time } = log.published
    const reason = log.unhealthy()
    const facts = {
      origin: log.identity.origin,
      size,
      checkpoint_time: time,
      ...witnessFacts(options.witnessing),
      ...(requests > 0 && { key_requests: requests }),
    }
    return reason === undefined
      ? json(200, { status: 'ok', ...facts }, CHANGING)
      : json(503, { status: 'unhealthy', reason, ...facts }, CHANGING)
  },
})

export const getMetrics = route({
  method: 'GET',
  path: '/metrics',
  name: 'getMetrics',
  summary: 'Figures in Prometheus’ text format',
  access: 'read',
  parameters: NONE,
  query: NONE,
  answers: { 200: { description: 'Figures.', content: { [METRICS_TYPE]: 'text' } } },
  problems: [400, 401, 404],
  handle: async ({ options }) => {
    if (options.metrics === undefined) return problem(404, 'not_found', 'no role runs that has metrics')
    const body = Buffer.from(await options.metrics())
    return { status: 200, headers: { 'content-type': METRICS_TYPE, ...CHANGING }, body }
  },
})

export const getPolicy = route({
  method: 'GET',
  path: '/.well-known/ledger-policy',
  name: 'getPolicy',
  summary: 'The keys that this ledger says are its own and its agents’',
  access: 'read',
  parameters: NONE,
  query: NONE,
  answers: {
    200: {
      description:
        'A trust policy to start from. A verifier pins what it has compared with a source that it trusts.',
      content: { [TEXT_TYPE]: 'text' },
    },
  },
  problems: [400, 401, 404],
  handle: async ({ options }) => {
    if (options.policy === undefined) return problem(404, 'not_found', 'this ledger offers no policy')
    return text(await options.policy(), CHANGING)
  },
})
