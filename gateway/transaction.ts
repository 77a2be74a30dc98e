import type { Inspection } from '../detectors/inspection.js'
import type { Trace } from '../runtime/telemetry/trace-context.js'
import { uuidv7 } from '../runtime/uuid.js'
import type { DataPlane } from './data-plane.js'
import { plainAddress } from './client-address.js'
import { headerValue } from './header-fields.js'
import type { RequestInfo } from './listener/listener.js'
import type { Refusal } from './refusal.js'
import { clientRequestId } from './request-id.js'
import type { RoutedTarget } from './request-target.js'
import { routedTarget } from './request-target.js'
import type { Site } from './site.js'

/** One request as the gateway knows it, from its head to its record. */
export interface Transaction {
  /** Ours: a UUIDv7. */
  readonly requestId: string
  /** The client's own, when it is fit to be logged. */
  readonly clientRequestId: string | undefined
  readonly site: Site
  readonly inspection: Inspection
  /** Address that policies apply to. */
  readonly client: string
  /** Address of the connection's other end. */
  readonly peer: string
  readonly viaTrustedProxy: boolean
  /** Host, with port, that the request is for; empty when it names none. */
  readonly authority: string
  /** Undefined for a target that cannot be forwarded. */
  readonly routed: RoutedTarget | undefined
  readonly trace: Trace
  readonly method: string
  readonly target: string
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number
  /** Milliseconds of a clock that never steps back. */
  readonly startedMono: number
  /** Set when the gateway itself refuses the request. */
  refusal: Refusal | undefined
}

/** Names, routes and hands to its site's pipeline what a listener delivered. */
export const openTransaction = (plane: DataPlane, info: RequestInfo): Transaction => {
  const startedAt = plane.clock.now()
  const requestId = uuidv7(startedAt)
  const { address, viaTrustedProxy } = plane.clientAddress(info.peer.address, info.headers)
  const routed = routedTarget(info.target)
  const authority = routed?.authority ?? headerValue(info.headers, 'host') ?? ''
  const site = plane.sites.find(authority)
  const inspection = site.pipeline.inspect(
    {
      address,
      port: info.peer.port,
      serverAddress: info.local.address,
      serverPort: info.local.port,
      tls: info.tls,
    },
    {
      requestId,
      method: info.method,
      target: info.target,
      httpVersion: info.httpVersion,
      headers: info.headers,
    },
  )
  return {
    requestId,
    clientRequestId: clientRequestId(info.headers),
    site,
    inspection,
    client: address,
    peer: plainAddress(info.peer.address),
    viaTrustedProxy,
    authority,
    routed,
    trace: plane.meter.telemetry.tracer.start(headerValue(info.headers, 'traceparent')),
    method: info.method,
    target: info.target,
    startedAt,
    startedMono: performance.now(),
    refusal: undefined,
  }
}
