import { z } from 'zod'
import type { Route } from '../api/route.js'
import { json, jsonBody, queryOf } from '../api/message.js'
import type { ApiRequest } from '../api/message.js'
import type { Core } from '../core.js'
import type { Answer } from './answer.js'
import type { Answers } from './answers.js'

const MAX_SHOWN = 500

const STATES = ['asked', 'ordered', 'applied', 'denied', 'expired', 'refused', 'ended'] as const
const answerSchema = z.looseObject({
  id: z.string(),
  incident: z.string(),
  action: z
    .looseObject({ type: z.string() })
    .describe('Exactly what is done. It may hold what a client sent: escape it.'),
  digest: z.string().describe('SHA-256 of the canonical JSON of the terms; a decision may name it.'),
  state: z.enum(STATES),
  by: z.string(),
})
const decision = z.strictObject({
  decision: z.enum(['approve', 'deny']),
  digest: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional()
    .describe('Of the answer that was shown; a decision about another one is refused.'),
})
const answersQuery = z.strictObject({
  state: z.enum(STATES).optional(),
  incident: z.string().max(100).optional(),
})

/** Routes about answers and the questions to people. */
export function answerRoutes(core: Core, answers: Answers): readonly Route[] {
  const byOf = ({ actor }: ApiRequest): string => actor ?? 'unknown'
  const idOf = ({ path }: ApiRequest): string => path['id'] ?? ''
  const shown = (wanted: (answer: Answer) => boolean): readonly Answer[] => {
    const found: Answer[] = []
    for (const answer of answers.list()) {
      if (wanted(answer)) found.push(answer)
      if (found.length === MAX_SHOWN) break
    }
    return found
  }
  return [
    {
      method: 'GET',
      path: '/v1/answers',
      name: 'listAnswers',
      summary: 'Answers to incidents, newest first',
      access: 'token',
      query: answersQuery,
      answers: {
        200: {
          description: `At most ${MAX_SHOWN}.`,
          schema: z.strictObject({ answers: z.array(answerSchema) }),
        },
      },
      problems: [400],
      handle: (request) => {
        const { state, incident } = queryOf(request, answersQuery)
        const found = shown(
          (answer) =>
            (state === undefined || answer.state === state) &&
            (incident === undefined || answer.incident === incident),
        )
        return json(200, { answers: found })
      },
    },
    {
      method: 'POST',
      path: '/v1/answers/{id}/revoke',
      name: 'revokeAnswer',
      summary: 'Take back an answer that holds',
      access: 'token',
      answers: { 202: { description: 'It is on its way to the role that undoes it.', schema: answerSchema } },
      problems: [404, 409],
      handle: async (request) =>
        json(202, await core.change(() => answers.revoke(idOf(request), byOf(request)))),
    },
    {
      method: 'GET',
      path: '/v1/approvals',
      name: 'listApprovals',
      summary: 'Answers that wait for a person, newest first',
      access: 'token',
      answers: {
        200: {
          description: `At most ${MAX_SHOWN}.`,
          schema: z.strictObject({ approvals: z.array(answerSchema) }),
        },
      },
      handle: () => json(200, { approvals: shown(({ state }) => state === 'asked') }),
    },
    {
      method: 'POST',
      path: '/v1/approvals/{id}',
      name: 'decideApproval',
      summary: 'Say yes or no to an answer, once; not to one that you asked for',
      access: 'token',
      body: decision,
      answers: { 200: { description: 'The answer as it is now.', schema: answerSchema } },
      problems: [400, 403, 404, 409, 415],
      handle: async (request) => {
        const { decision: said, digest } = jsonBody(request, decision)
        const decide = () => answers.decide(idOf(request), byOf(request), said === 'approve', digest)
        return json(200, await core.change(decide))
      },
    },
  ]
}
