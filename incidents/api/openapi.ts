import { z } from 'zod'
import { JSON_TYPE } from '../../runtime/api/response.js'
import type { Route } from './route.js'

const PROBLEMS: Readonly<Record<number, string>> = {
  400: 'The request is not as it must be.',
  401: 'The bearer token is missing or wrong.',
  403: 'No token is configured, or this is not allowed.',
  404: 'There is no such thing.',
  409: 'It contradicts what is there.',
  413: 'Too large.',
  415: 'Another media type is asked for.',
  429: 'Too much is asked for.',
  500: 'An error of ours; the log says more.',
}

/** The OpenAPI 3.1 document of the API, made from its routes. */
export function openApiDocument(routes: readonly Route[]): Readonly<Record<string, unknown>> {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes) (paths[route.path] ??= {})[route.method.toLowerCase()] = operationOf(route)
  return {
    openapi: '3.1.0',
    info: {
      title: 'Portcullis incidents',
      version: '1',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      description: 'Incidents, and what others tell us about them. HEAD is answered wherever GET is.',
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: {
        Problem: {
          type: 'object',
          description: 'A problem (RFC 9457).',
          required: ['type', 'title', 'status', 'code', 'detail'],
          properties: {
            type: { type: 'string' },
            title: { type: 'string' },
            status: { type: 'integer' },
            code: { type: 'string', description: 'Machine word; it never changes its meaning.' },
            detail: { type: 'string' },
          },
        },
      },
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'One of `incidents.tokens`' },
      },
    },
  }
}

function operationOf(route: Route): object {
  const { name, summary, access, body, answers, problems = [], path, query } = route
  const statuses = [...new Set([...problems, ...(access === 'token' ? [401, 403] : []), 500])]
  return {
    operationId: name,
    summary,
    parameters: [
      ...[...path.matchAll(/\{(\w+)\}/g)].map(([, member]) => ({
        name: member,
        in: 'path',
        required: true,
        schema: { type: 'string' },
      })),
      ...(query ? queryParameters(query) : []),
    ],
    ...(body && { requestBody: { required: true, content: { [JSON_TYPE]: { schema: schemaOf(body) } } } }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, { description, schema }]) => [
          status,
          { description, ...(schema && { content: { [JSON_TYPE]: { schema: schemaOf(schema) } } }) },
        ]),
      ),
      ...Object.fromEntries(
        statuses.map((status) => [
          status,
          {
            description: PROBLEMS[status] ?? 'A problem.',
            content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
          },
        ]),
      ),
    },
    security: access === 'token' ? [{ token: [] }] : [],
  }
}

function queryParameters(query: z.ZodObject): readonly object[] {
  return Object.entries<z.ZodType>(query.shape).map(([name, member]) => {
    const { description, ...schema } = schemaOf(member) as { readonly description?: string }
    return {
      name,
      in: 'query',
      required: !member.safeParse(undefined).success,
      ...(description !== undefined && { description }),
      schema,
    }
  })
}

function schemaOf(schema: z.ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input' })
  return rest
}
