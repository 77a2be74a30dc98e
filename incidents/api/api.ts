import { createHash, timingSafeEqual } from 'node:crypto'
import type { ApiResponse } from '../../runtime/api/response.js'
import type { Admitted, Api, RequestHead } from '../../runtime/api/server.js'
import { IncidentError } from '../errors.js'
import { problem, problemOf } from './problem.js'
import { Router } from './route.js'
import type { Route } from './route.js'

export const SOCKET_NAME = 'incidents.sock'
const MAX_BODY = 64 * 1024

/** A person or program that may use the API over TCP. */
export interface TokenHolder {
  readonly name: string
  readonly token: string
}

/** The HTTP API without the HTTP: TCP, the socket and a command in the same process use it. It never throws. */
export class IncidentApi implements Api {
  readonly problem = problem
  readonly #router: Router
  readonly #holders: readonly TokenHolder[]
  readonly #onError: (error: unknown) => void

  constructor(
    routes: readonly Route[],
    holders: readonly TokenHolder[],
    onError: (error: unknown) => void = () => undefined,
  ) {
    this.#router = new Router(routes)
    this.#holders = holders
    this.#onError = onError
  }

  /** The refusal of a request whose body is not worth reading, or what takes it. */
  admit(head: RequestHead): ApiResponse | Admitted {
    try {
      const mark = head.target.indexOf('?')
      const target = mark < 0 ? head.target : head.target.slice(0, mark)
      const found = this.#router.find(head.method, target)
      if ('allow' in found) {
        if (found.allow.length === 0) return problem(404, 'not_found', 'there is nothing at this path')
        const allow = found.allow.join(', ')
        return problem(405, 'method_not_allowed', `allowed here: ${allow}`, { allow })
      }
      const { route, path } = found
      const actor = route.access === 'open' ? undefined : this.#actor(head)
      const query = new URLSearchParams(mark < 0 ? '' : head.target.slice(mark + 1))
      return {
        maxBody: route.maxBody ?? MAX_BODY,
        answer: async (body) => {
          try {
            return await route.handle({ ...head, path, query, body, actor })
          } catch (error) {
            return this.#problem(error)
          }
        },
      }
    } catch (error) {
      return this.#problem(error)
    }
  }

  #problem(error: unknown): ApiResponse {
    const answer = problemOf(error)
    if (answer.status >= 500) this.#onError(error)
    return answer
  }

  /** @throws IncidentError `FORBIDDEN` when there are no tokens, `UNAUTHORIZED` */
  #actor({ channel, headers }: RequestHead): string {
    if (channel === 'local') {
      const name = headers['x-portcullis-actor']
      return `person:${typeof name === 'string' && /^[\w.@-]{1,64}$/.test(name) ? name : 'local'}`
    }
    if (this.#holders.length === 0)
      throw new IncidentError('FORBIDDEN', 'this is closed over TCP: incidents.tokens names nobody')
    const [, given] = /^Bearer +(\S{1,1024}) *$/i.exec(headers.authorization ?? '') ?? []
    // Digests are of one length, and every one is compared: the time tells nothing of the tokens.
    const digest = (value: string): Buffer => createHash('sha256').update(value).digest()
    const mine = digest(given ?? '')
    const [holder] = this.#holders.filter(({ token }) => timingSafeEqual(mine, digest(token)))
    if (given === undefined || !holder) throw new IncidentError('UNAUTHORIZED', 'this needs a bearer token')
    return `person:${holder.name}`
  }
}
