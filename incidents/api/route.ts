import type { z } from 'zod'
import type { ApiResponse } from '../../runtime/api/response.js'
import { IncidentError } from '../errors.js'
import type { ApiRequest } from './message.js'

/**
 * A route as data: the server works from it, and so does the OpenAPI document. Neighbours (webhooks of trackers, results of
 * agents, approvals) bring theirs.
 */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** As OpenAPI writes it: `/v1/incidents/{id}`. */
  readonly path: string
  /** `operationId`. */
  readonly name: string
  readonly summary: string
  /** Over TCP: `token` needs one of `incidents.tokens`; an `open` route sees to it itself, or needs nothing. */
  readonly access: 'open' | 'token'
  /** Bytes of a body at most. Default 64 KiB. */
  readonly maxBody?: number
  /** For the document; the handler reads what it takes with `queryOf` and `jsonBody`. */
  readonly query?: z.ZodObject
  readonly body?: z.ZodType
  /** What a success looks like, by status; nothing or text has no schema. */
  readonly answers: Readonly<Record<number, { readonly description: string; readonly schema?: z.ZodType }>>
  /** Statuses of the problems that it can end in, beside those of every route. */
  readonly problems?: readonly number[]
  readonly handle: (request: ApiRequest) => ApiResponse | Promise<ApiResponse>
}

/** Finds the route of a path. */
export class Router {
  readonly #routes: readonly {
    readonly route: Route
    readonly matcher: RegExp
    readonly names: readonly string[]
  }[]

  constructor(readonly routes: readonly Route[]) {
    this.#routes = routes.map((route) => ({
      route,
      matcher: new RegExp(
        `^${route.path.replaceAll('.', String.raw`\.`).replaceAll(/\{\w+\}/g, '([^/]{1,200})')}$`,
      ),
      names: [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? ''),
    }))
  }

  /** @returns the route with the members of the path, or the methods that the path has */
  find(
    method: string,
    path: string,
  ):
    | { readonly route: Route; readonly path: Readonly<Record<string, string>> }
    | { readonly allow: readonly string[] } {
    const wanted = method === 'HEAD' ? 'GET' : method
    const allow: string[] = []
    for (const { route, matcher, names } of this.#routes) {
      const found = matcher.exec(path)
      if (!found) continue
      if (route.method === wanted)
        return {
          route,
          path: Object.fromEntries(names.map((name, i) => [name, decoded(found[i + 1] ?? '')])),
        }
      allow.push(...(route.method === 'GET' ? ['GET', 'HEAD'] : [route.method]))
    }
    return { allow }
  }
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch (cause) {
    throw new IncidentError('BAD_REQUEST', 'the path is not percent-encoded UTF-8', { cause })
  }
}
