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

/** What is known of a request before its body is read. */
export type RequestHead = Omit<ApiRequest, 'body'>

export interface LedgerApi {
  /** Answers a request; it never rejects. */
  (request: ApiRequest): Promise<ApiResponse>
  /** The refusal of a request whose body is not worth reading: no such path, no such method, no right to it. */
  refuse?(head: RequestHead): ApiResponse | undefined
}

/** The API over a log. */
export function createApi(log: Log, options: ApiOptions = {}): LedgerApi {
  const verifying = new TimeBudget(VERIFYING.share, VERIFYING.burstMs)
  const context: ApiContext = { log, options, verifying }
  const refusalOf = (error: unknown): ApiResponse => {
    const refusal = problemOf(error)
    if (refusal.status >= 500) options.onError?.(error)
    return refusal
  }
  const api = async (request: ApiRequest): Promise<ApiResponse> => {
    try {
      const found = find(context, request)
      return 'status' in found ? found : await found.answer(request)
    } catch (error) {
      return refusalOf(error)
    }
  }
  const refuse = (head: RequestHead): ApiResponse | undefined => {
    try {
      const found = find(context, head)
      return 'status' in found ? found : undefined
    } catch (error) {
      return refusalOf(error)
    }
  }
  return Object.assign(api, { refuse })
}

interface Found {
  answer(request: ApiRequest): Promise<ApiResponse>
}

/** The route of a request that may take it, or why there is none. @throws LedgerError when it is not allowed */
function find(context: ApiContext, head: RequestHead): Found | ApiResponse {
  const mark = head.target.indexOf('?')
  const path = mark === -1 ? head.target : head.target.slice(0, mark)
  const query = new URLSearchParams(mark === -1 ? '' : head.target.slice(mark + 1))
  const method = head.method === 'HEAD' ? 'GET' : head.method
  const allowed: string[] = []
  for (const candidate of ROUTES) {
    const parameters = candidate.match(path)
    if (parameters === undefined) continue
    if (candidate.method === method) {
      authorise(candidate.access, head, context.options)
      return { answer: (request) => candidate.answer(context, request, parameters, query) }
    }
    allowed.push(candidate.method === 'GET' ? 'GET, HEAD' : candidate.method)
  }
  if (allowed.length === 0) return problem(404, 'not_found', 'there is nothing at this path')
  const allow = allowed.join(', ')
  return problem(405, 'method_not_allowed', `allowed here: ${allow}`, { allow })
}
