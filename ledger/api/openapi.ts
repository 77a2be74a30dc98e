/** The OpenAPI document of the ledger's API, made from its routes. */
import { z } from 'zod'
import type { Answer, Media, Route } from './route.js'
import { problemSchema } from './schemas.js'

const PROBLEMS: Readonly<Record<number, string>> = {
  400: 'The request or its content is not as it must be.',
  401: 'The bearer token is missing or wrong.',
  403: 'Refused: no token is configured, or the signer may not do this.',
  404: 'There is no such thing.',
  409: 'It contradicts what is there.',
  413: 'Too large.',
  415: 'Another media type is asked for.',
  429: 'Too much is asked for; `Retry-After` says when to come again.',
  500: 'What is stored cannot be read; the log of the ledger says more.',
  503: 'The ledger takes nothing now.',
}

/** An OpenAPI 3.1 document. */
export interface OpenApiDocument {
  readonly openapi: '3.1.0'
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly [member: string]: unknown
}

/** What the document says of one route. */
export interface Operation {
  readonly operationId: string
  readonly responses: Readonly<Record<string, ResponseObject>>
  readonly [member: string]: unknown
}

interface ResponseObject {
  readonly description: string
  readonly content?: Readonly<Record<string, { readonly schema?: object }>>
}

export function openApiDocument(routes: readonly Route[]): OpenApiDocument {
  const paths: Record<string, Record<string, Operation>> = {}
  for (const route of routes) (paths[route.path] ??= {})[route.method.toLowerCase()] = operationOf(route)
  return {
    openapi: '3.1.0',
    info: {
      title: 'Portcullis ledger',
      version: '1',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      description:
        'A transparency log of what agents did. Paths outside `/v1` are those of C2SP tlog-tiles. HEAD is answered wherever ' +
        'GET is.',
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: { Problem: schemaOf(problemSchema) },
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: '`ledger.token`' } },
    },
  }
}

function operationOf(route: Route): Operation {
  const { name, summary, access, body, answers, problems } = route
  return {
    operationId: name,
    summary,
    parameters: [...parametersOf(route.parameters, 'path'), ...parametersOf(route.query, 'query')],
    ...(body !== undefined && {
      requestBody: { required: true, description: body.description, content: contentOf(body.content) },
    }),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, responseOf(answer)])),
      ...Object.fromEntries(problems.map((status) => [status, problemOf(PROBLEMS[status] ?? 'A problem.')])),
      // What nobody foresaw has no status of its own here; each that stands above is answered by some test.
      default: problemOf('An error of the ledger; its log says more.'),
    },
    security: SECURITY[access],
  }
}

/** An empty requirement means that none is as good. */
const SECURITY: Readonly<Record<Route['access'], readonly object[]>> = {
  open: [],
  read: [{}, { token: [] }],
  write: [{ token: [] }],
}

function parametersOf(schema: z.ZodObject, place: 'path' | 'query'): readonly object[] {
  return Object.entries<z.ZodType>(schema.shape).map(([name, member]) => {
    const { description, ...rest } = schemaOf(member)
    return {
      name,
      in: place,
      required: place === 'path' || !member.safeParse(undefined).success,
      ...(description !== undefined && { description }),
      schema: rest,
    }
  })
}

function responseOf({ description, content }: Answer): ResponseObject {
  return { description, content: contentOf(content) }
}

function problemOf(description: string): ResponseObject {
  return {
    description,
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  }
}

function contentOf(content: Readonly<Record<string, Media>>): Record<string, { schema?: object }> {
  return Object.fromEntries(Object.entries(content).map(([type, media]) => [type, mediaOf(media)]))
}

function mediaOf(media: Media): { schema?: object } {
  if (media === 'bytes') return {}
  return { schema: media === 'text' ? { type: 'string' } : schemaOf(media) }
}

function schemaOf(schema: z.ZodType): { readonly description?: string } {
  const { $schema: _, ...rest } = z.toJSONSchema(schema)
  return rest
}
