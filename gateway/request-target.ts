import { isHost } from './listener/refusal.js'

/** A request target as it is routed and forwarded. */
export interface RoutedTarget {
  /** Origin form, as the upstream gets it. */
  readonly path: string
  /** Authority of an absolute target; it counts instead of `Host` (RFC 9112, section 3.2.2). */
  readonly authority?: string
}

/**
 * Turns a request target into what an origin server expects. Bytes are kept as they came: nothing is decoded or
 * resolved, so that the upstream sees what was judged.
 *
 * @returns undefined for authority and asterisk form and for anything that is no target of a reverse proxy
 */
export const routedTarget = (target: string): RoutedTarget | undefined => {
  if (target.startsWith('/')) return { path: target }
  const absolute = /^https?:\/\/([^/?#@\s]{1,255})((?:[/?#].*)?)$/is.exec(target)
  const authority = absolute?.[1]
  // It becomes the Host, so it must be fit to be one.
  if (authority === undefined || !isHost(authority)) return undefined
  const rest = absolute?.[2] ?? ''
  return { path: rest.startsWith('/') ? rest : `/${rest}`, authority }
}
