import { z } from 'zod'
import { json } from '../api/message.js'
import { problem } from '../api/problem.js'
import type { Route } from '../api/route.js'
import type { Connector } from '../connector.js'
import { AiTasks } from './ai-tasks.js'
import { WebhookError } from './errors.js'
import { MAX_WEBHOOK_BYTES, Webhooks, type WebhooksDeps } from './webhooks.js'

/** What is answered with 200, for the document of the API. */
const answer = z.union([
  z.strictObject({ status: z.literal('applied'), incident: z.string() }),
  z.strictObject({ status: z.literal('ignored'), reason: z.string() }),
  z.strictObject({ status: z.literal('dispatched'), agent: z.string(), result: z.string() }),
  z.strictObject({ status: z.literal('no_agent'), bot_name: z.string() }),
])

/** Webhooks of trackers as a part of the role. @throws RuntimeError `SECRET_MISSING` and the like */
export async function openWebhooks(deps: WebhooksDeps): Promise<Connector> {
  const tasks = await AiTasks.open(deps.core, deps.runs)
  const webhooks = await Webhooks.open(deps, tasks)
  return {
    reaction: tasks.reaction,
    register: (queue) => tasks.register(queue),
    routes: [webhookRoute(webhooks)],
    metrics: () => figures(webhooks),
    close: () => tasks.close(),
  }
}

const webhookRoute = (webhooks: Webhooks): Route => ({
  method: 'POST',
  path: '/webhooks/{tracker}',
  name: 'receiveWebhook',
  summary: 'What a tracker tells; signed by it over the raw body',
  access: 'open',
  maxBody: MAX_WEBHOOK_BYTES,
  answers: { 200: { description: 'What became of it.', schema: answer } },
  problems: [400, 401, 404, 409, 422],
  handle: async ({ path, headers, body }) => {
    try {
      return json(200, await webhooks.receive(path['tracker'] ?? '', headers, body))
    } catch (error) {
      if (error instanceof WebhookError) return problem(error.status, error.code.toLowerCase(), error.message)
      throw error
    }
  },
})

/** Names of trackers are plain words, and outcomes are ours: nothing needs an escape. */
const figures = (webhooks: Webhooks): string =>
  [
    '# HELP portcullis_incidents_webhooks_total Webhooks of trackers by what became of them.',
    '# TYPE portcullis_incidents_webhooks_total counter',
    ...webhooks.counts.map(
      ({ tracker, outcome, count }) =>
        `portcullis_incidents_webhooks_total{tracker="${tracker}",outcome="${outcome}"} ${count}`,
    ),
    '',
  ].join('\n')
