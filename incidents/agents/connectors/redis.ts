import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { AbstractConnector, Redis } from 'ioredis'
import type { Logger } from 'pino'
import { messageOf } from '../../../runtime/errors.js'
import { checkOutboundUrl, outboundLookup, type OutboundConfig } from '../../../runtime/outbound.js'

const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 30_000

export interface RedisOptions {
  /** `redis://` or `rediss://`, with a database number as its path. */
  readonly url: string
  readonly user?: string | undefined
  readonly password: string | undefined
  readonly outbound: OutboundConfig
  readonly log: Logger
}

/**
 * A connection to Redis that comes back by itself and reaches only permitted addresses. A command fails at once while there is
 * none: what waits is kept by the work queue, not here.
 *
 * @throws RuntimeError `OUTBOUND_REFUSED`
 */
export function openRedis({ url: text, user, password, outbound, log }: RedisOptions): Redis {
  const url = checkOutboundUrl(text, outbound, ['rediss', 'redis'])
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const address = { host, port: Number(url.port || 6379), lookup: outboundLookup(outbound) }

  class CheckedConnector extends AbstractConnector {
    constructor() {
      super(1000)
    }

    override async connect(): Promise<AbstractConnector['stream']> {
      this.connecting = true
      this.stream =
        url.protocol === 'rediss:' ? connectTls({ ...address, servername: host }) : connectTcp(address)
      this.stream.once('error', (error) => (this.firstError = error))
      return this.stream
    }
  }

  const redis = new Redis({
    Connector: CheckedConnector,
    ...(user === undefined ? {} : { username: user }),
    ...(password === undefined ? {} : { password }),
    db: Number(url.pathname.slice(1) || 0),
    maxRetriesPerRequest: 1,
    retryStrategy: (attempts) => Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempts, 10)),
  })
  redis.on('error', (error: unknown) => log.debug({ host, reason: messageOf(error) }, 'Redis'))
  return redis
}
