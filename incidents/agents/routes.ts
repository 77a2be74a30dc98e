import { z } from 'zod'
import type { Core } from '../core.js'
import { IncidentError } from '../errors.js'
import { json, jsonBody } from '../api/message.js'
import type { ApiRequest } from '../api/message.js'
import type { Route } from '../api/route.js'
import { bearerToken } from './bearer.js'
import { dataOf, instructionsFor } from './prompt.js'
import type { Results } from './results.js'
import { isFinished, MAX_RESULT_BYTES, runResult } from './run.js'
import { resultUrl } from './run-work.js'

export interface RunRoutesDeps {
  readonly store: Core['store']
  readonly results: Results
  readonly actions: readonly string[]
  readonly publicUrl: () => string
}

/** Routes that agents use with the token of a run. */
export const runRoutes = ({ store, results, actions, publicUrl }: RunRoutesDeps): readonly Route[] => {
  const runOf = ({ path, headers }: ApiRequest) =>
    results.runOf(path['run'] ?? '', bearerToken(headers.authorization))
  return [
    {
      method: 'GET',
      path: '/v1/agent-runs/{run}',
      name: 'getRun',
      summary: 'The task of a run; needs its token',
      access: 'open',
      answers: {
        200: {
          description: 'What is asked. `data` is one JSON string of untrusted content, quotes included.',
          schema: z.strictObject({
            run_id: z.string(),
            incident: z.string(),
            attempt: z.number(),
            deadline: z.number().optional(),
            instructions: z.string(),
            data: z.string(),
            result: z.strictObject({ url: z.string() }),
          }),
        },
      },
      problems: [401, 409],
      handle: (request) => {
        const { id, incident: of, attempt, deadline, state } = runOf(request)
        const incident = store.get(of)
        if (isFinished(state) || !incident) throw new IncidentError('CONFLICT', 'the run is over')
        return json(200, {
          run_id: id,
          incident: of,
          attempt,
          deadline,
          instructions: instructionsFor(actions),
          data: dataOf(incident),
          result: { url: resultUrl(publicUrl(), id) },
        })
      },
    },
    {
      method: 'POST',
      path: '/v1/agent-runs/{run}/result',
      name: 'postResult',
      summary: 'The result of a run; needs its token, once',
      access: 'open',
      maxBody: MAX_RESULT_BYTES,
      body: runResult,
      answers: {
        200: {
          description: 'It is recorded, now or by an earlier call with the same result.',
          schema: z.strictObject({ run_id: z.string(), status: z.enum(['recorded', 'repeated']) }),
        },
      },
      problems: [400, 401, 409, 413, 415],
      handle: async (request) => {
        // Who asks is looked at before what is said.
        const run = runOf(request)
        const status = await results.post(run, jsonBody(request, runResult))
        return json(200, { run_id: run.id, status })
      },
    },
  ]
}
