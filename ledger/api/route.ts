/**
 * A route as data: what it takes, what it answers, and what it does. The server works from it, and so does the OpenAPI
 * document, so that the two cannot drift apart.
 */
import { z } from 'zod'
import { LedgerError } from '../errors.js'
import type { ApiContext } from './context.js'
import type { ApiRequest, ApiResponse } from './message.js'

/** A schema for JSON; text and bytes have none. */
export type Media = z.ZodType | 'text' | 'bytes'

/** What an answer can be, by media type. */
export interface Answer {
  readonly description: string
  readonly content: Readonly<Record<string, Media>>
}

/** What a handler is given. */
export interface Call<P, Q> {
  readonly request: ApiRequest
  readonly path: P
  readonly query: Q
}

interface Definition<P extends z.ZodObject, Q extends z.ZodObject> {
  readonly method: 'GET' | 'POST'
  /** As OpenAPI writes it: `/v1/entries/{entry}`. A last parameter called `{...}*` takes slashes, too. */
  readonly path: string
  /** `operationId`. */
  readonly name: string
  readonly summary: string
  /** Who may over TCP: `open` everybody, `read` as `ledger.reads` says, `write` whoever holds the token. */
  readonly access: 'open' | 'read' | 'write'
  readonly parameters: P
  readonly query: Q
  readonly body?: { readonly description: string; readonly content: Readonly<Record<string, Media>> }
  readonly answers: Readonly<Record<number, Answer>>
  /** Statuses of the problems that it can end in. */
  readonly problems: readonly number[]
  readonly handle: (
    context: ApiContext,
    call: Call<z.output<P>, z.output<Q>>,
  ) => ApiResponse | Promise<ApiResponse>
}

export interface Route extends Omit<Definition<z.ZodObject, z.ZodObject>, 'handle'> {
  /** Parameters of a path; `undefined` when it is not this route's. */
  match(path: string): Readonly<Record<string, string>> | undefined
  /** @throws LedgerError `BAD_REQUEST` that names the parameter */
  answer(
    context: ApiContext,
    request: ApiRequest,
    path: Readonly<Record<string, string>>,
    query: URLSearchParams,
  ): Promise<ApiResponse>
}

export const NONE = z.strictObject({})

export function route<P extends z.ZodObject, Q extends z.ZodObject>(definition: Definition<P, Q>): Route {
  const names = [...definition.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '')
  const pattern = definition.path
    .replaceAll('.', '\\.')
    .replace(/\{\w+\}\*$/, '(.{1,200})')
    .replaceAll(/\{\w+\}/g, '([^/]{1,310})')
  const matcher = new RegExp(`^${pattern}$`)
  return {
    ...definition,
    path: definition.path.replace(/\*$/, ''),
    match: (path) => {
      const found = matcher.exec(path)
      if (found === null) return undefined
      return Object.fromEntries(names.map((name, i) => [name, decoded(found[i + 1] ?? '')]))
    },
    answer: async (context, request, path, query) =>
      definition.handle(context, {
        request,
        path: checked(definition.parameters, path, 'parameter'),
        query: checked(definition.query, single(query), 'query member'),
      }),
  }
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch (cause) {
    throw new LedgerError('BAD_REQUEST', 'the path is not percent-encoded UTF-8', { cause })
  }
}

function single(query: URLSearchParams): Readonly<Record<string, string>> {
  for (const name of new Set(query.keys())) {
    if (query.getAll(name).length > 1)
      throw new LedgerError('BAD_REQUEST', `the query member ${name.slice(0, 40)} stands twice`)
  }
  return Object.fromEntries(query)
}

/** Refuses what nobody would look at, too: a caller must not believe that it had an effect. */
function checked<T extends z.ZodObject>(schema: T, values: object, what: string): z.output<T> {
  const parsed = schema.safeParse(values)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const name = issue?.code === 'unrecognized_keys' ? issue.keys[0] : issue?.path.join('.')
  const problem = issue?.code === 'unrecognized_keys' ? 'is not known' : (issue?.message ?? 'is wrong')
  throw new LedgerError('BAD_REQUEST', `the ${what} ${(name ?? '').slice(0, 40)} ${problem}`)
}
