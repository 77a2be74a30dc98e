import type { Inspection } from '../detectors/inspection.js'
import { requestPath } from '../detectors/request-path.js'
import type { ClientInfo, RequestHead } from '../detectors/request.js'
import type { Mode } from '../detectors/verdict.js'
import type { HoldLimits } from './body-hold.js'
import type { RouteConfig } from './config.js'
import type { Upstream } from './upstream/upstream.js'

/** What the gateway needs of a pipeline. */
export interface Judge {
  inspect(client: ClientInfo, head: RequestHead): Inspection
}

/** One service behind the gateway, ready to take requests. */
export interface Site {
  readonly name: string
  readonly pipeline: Judge
  /** In `detect` nothing is refused for its size either: what is over a limit is not judged and named. */
  readonly mode: Mode
  /** A phase may need the response: then only codings that we decode are asked for. */
  readonly mayReadResponse: boolean
  /** Undefined when none is configured: every request then gets 503. */
  readonly upstream: Upstream | undefined
  /** Request bodies: the stricter of the gateway's limits and the directives'. */
  readonly limits: HoldLimits
  /** Bytes of a response body that are held; the stricter one too. */
  readonly responseLimit: number
  /** Longest path first. */
  readonly routes: readonly RouteConfig[]
}

const DEFAULT_ROUTE: RouteConfig = { path: '/', body: 'hold' }

/** The host of an authority, lower case, without port and trailing dot; empty when there is none. */
export const hostOfAuthority = (authority: string): string => {
  const text = authority.slice(authority.lastIndexOf('@') + 1)
  const end = text.startsWith('[') ? text.indexOf(']') + 1 : text.indexOf(':')
  const host = (end > 0 ? text.slice(0, end) : text).toLowerCase()
  return host.endsWith('.') ? host.slice(0, -1) : host
}

/**
 * Finds the site of a host: the exact name, then the longest `*.` suffix, then the first site. A request for an unknown
 * host is judged like any other: address lists, rates and countries hold for it too.
 */
export class SiteTable {
  readonly #exact = new Map<string, Site>()
  readonly #suffix = new Map<string, Site>()
  readonly #fallback: Site

  constructor(fallback: Site, entries: readonly (readonly [site: Site, hosts: readonly string[]])[]) {
    this.#fallback = fallback
    for (const [site, hosts] of entries)
      for (const host of hosts) {
        const lower = host.toLowerCase()
        if (lower.startsWith('*.')) this.#suffix.set(lower.slice(1), site)
        else this.#exact.set(lower, site)
      }
  }

  find(authority: string): Site {
    if (this.#exact.size === 0 && this.#suffix.size === 0) return this.#fallback
    const host = hostOfAuthority(authority)
    const exact = this.#exact.get(host)
    if (exact !== undefined) return exact
    for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) {
      const site = this.#suffix.get(host.slice(dot))
      if (site !== undefined) return site
    }
    return this.#fallback
  }
}

const covers = (route: RouteConfig, path: string): boolean =>
  path === route.path ||
  route.path === '/' ||
  (path.startsWith(route.path) && (route.path.endsWith('/') || path.charAt(route.path.length) === '/'))

/**
 * The route of a request target. A path that servers may read in several ways is on a route that relaxes a limit only
 * when each reading is.
 */
export const routeOf = (site: Site, target: string): RouteConfig => {
  if (site.routes.length === 0) return DEFAULT_ROUTE
  const { readings } = requestPath(target)
  let found: RouteConfig | undefined
  for (const path of readings) {
    const route = site.routes.find((candidate) => covers(candidate, path)) ?? DEFAULT_ROUTE
    if (found !== undefined && route !== found) return DEFAULT_ROUTE
    found = route
  }
  return found ?? DEFAULT_ROUTE
}
