/** The ledger's HTTP API, without the HTTP: every way in (socket, TCP, a command in the same process) uses it. */
import { z } from 'zod'
import type { Log } from '../log.js'
import { getAnchors, getAnchorsCovering } from './anchors.js'
import { authorise } from './authorise.js'
import type { ApiContext, ApiOptions } from './context.js'
import { getEntry, getProof, getReceipt, postEntries } from './entries.js'
import { getAgent, getKeys, postKey, revokeKey, rotateKey } from './keys.js'
import { json, JSON_TYPE } from './message.js'
import type { ApiRequest, ApiResponse } from './message.js'
import { openApiDocument } from './openapi.js'
import { problem, problemOf } from './problem.js'
import { NONE, route } from './route.js'
import type { Route } from './route.js'
import { getHealth, getMetrics, getPolicy } from './service.js'
import { getBundle, getLookup, getSession } from './sessions.js'
import { TimeBudget } from './time-budget.js'
import { getCheckpoint, getConsistency, getTile } from './tree.js'
import { postVerify } from './verify.js'
import { getEquivocations, getWitnessed } from './witnesses.js'

const getOpenApi = route({
  method: 'GET',
  path: '/openapi.json',
  name: 'getOpenApi',
  summary: 'This document',
  access: 'open',
  parameters: NONE,
  query: NONE,
  answers: {
    200: {
      description: 'OpenAPI 3.1.',
      content: { [JSON_TYPE]: z.looseObject({ openapi: z.literal('3.1.0') }) },
    },
  },
  problems: [400],
  handle: () => json(200, openApiDocument(ROUTES)),
})

/** All routes; the first that matches answers. */
export const ROUTES: readonly Route[] = [
  postEntries,
  getCheckpoint,
  getTile,
  getEntry,
  getProof,
  getReceipt,
  getConsistency,
  getSession,
  getBundle,
  getLookup,
  getKeys,
  postKey,
  rotateKey,
  revokeKey,
  getAgent,
  postVerify,
  getWitnessed,
  getEquivocations,
  getAnchors,
  getAnchorsCovering,
  getPolicy,
  getHealth,
  getMetrics,
  getOpenApi,
]

/** Share of the one thread that verifying for others may take, and the time that it may take at once. */
const VERIFYING = { share: 0.2, burstMs: 1_000 }

/** Answers a request; it never rejects. */
export type Api = (request: ApiRequest) => Promise<ApiResponse>

/** The API over a log. */
export function createApi(log: Log, options: ApiOptions = {}): Api {
  const verifying = new TimeBudget(VERIFYING.share, VERIFYING.burstMs)
  const context: ApiContext = { log, options, verifying }
  return async (request) => {
    try {
      return await answer(context, request)
    } catch (error) {
      const refusal = problemOf(error)
      if (refusal.status >= 500) options.onError?.(error)
      return refusal
    }
  }
}

async function answer(context: ApiContext, request: ApiRequest): Promise<ApiResponse> {
  const mark = request.target.indexOf('?')
  const path = mark === -1 ? request.target : request.target.slice(0, mark)
  const query = new URLSearchParams(mark === -1 ? '' : request.target.slice(mark + 1))
  const method = request.method === 'HEAD' ? 'GET' : request.method
  const allowed: string[] = []
  for (const candidate of ROUTES) {
    const parameters = candidate.match(path)
    if (parameters === undefined) continue
    if (candidate.method === method) {
      authorise(candidate.access, request, context.options)
      return candidate.answer(context, request, parameters, query)
    }
    allowed.push(candidate.method === 'GET' ? 'GET, HEAD' : candidate.method)
  }
  if (allowed.length === 0) return problem(404, 'not_found', 'there is nothing at this path')
  const allow = allowed.join(', ')
  return problem(405, 'method_not_allowed', `allowed here: ${allow}`, { allow })
}
