import { z } from 'zod'
import { json } from './message.js'
import { openApiDocument } from './openapi.js'
import type { Route } from './route.js'

export interface ServiceDeps {
  /** Checks that fail, with their reasons. */
  readonly problems: () => Readonly<Record<string, string>>
  /** Prometheus' text format. */
  readonly metrics: () => string
  /** All routes of the API, these included. */
  readonly routes: () => readonly Route[]
}

/** Routes about the role itself. */
export const serviceRoutes = ({ problems, metrics, routes }: ServiceDeps): readonly Route[] => [
  {
    method: 'GET',
    path: '/health',
    name: 'getHealth',
    summary: 'Whether the role does its work',
    access: 'open',
    answers: {
      200: { description: 'It does.', schema: z.strictObject({ status: z.literal('ok') }) },
      503: {
        description: 'It does not; `GET /ready` of the supervisor says why.',
        schema: z.strictObject({ status: z.literal('unhealthy') }),
      },
    },
    handle: () => {
      const healthy = Object.keys(problems()).length === 0
      return json(healthy ? 200 : 503, { status: healthy ? 'ok' : 'unhealthy' })
    },
  },
  {
    method: 'GET',
    path: '/metrics',
    name: 'getMetrics',
    summary: 'Figures in Prometheus’ text format',
    access: 'token',
    answers: { 200: { description: 'Figures.' } },
    handle: () => ({
      status: 200,
      headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'cache-control': 'no-store' },
      body: Buffer.from(metrics()),
    }),
  },
  {
    method: 'GET',
    path: '/openapi.json',
    name: 'getOpenApi',
    summary: 'This document',
    access: 'open',
    answers: { 200: { description: 'OpenAPI 3.1.', schema: z.looseObject({ openapi: z.literal('3.1.0') }) } },
    handle: () => json(200, openApiDocument(routes())),
  },
]
