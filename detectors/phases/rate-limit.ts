import type { DetectionConfig } from '../config.js'
import { clientKey } from '../ip-address.js'
import { anyReading, compilePathPattern } from '../path-pattern.js'
import type { Phase, PhaseContext, PhaseDecision } from '../phase.js'
import { policyMatch } from '../policy-match.js'
import type { Mode } from '../verdict.js'

type RateLimitConfig = DetectionConfig['phases']['rate_limit']

interface Limit {
  readonly name: string
  readonly perSecond: number
  readonly burst: number
  applies(context: PhaseContext): boolean
}

/**
 * Phase 5: a token bucket per client, site and route; a request pays in every bucket that is for it. In mode `detect`
 * requests are counted but nobody is banned.
 */
export function rateLimit(config: RateLimitConfig, site: string, mode: Mode): Phase {
  const limits = config.limits.map(compileLimit)
  const ban = mode === 'block' ? config.ban : undefined
  return {
    name: 'rate_limit',
    onClient(context) {
      const { tx } = context
      const client = clientKey(tx.client.address)
      const banKey = `ban|${site}|${client}`
      if (ban) {
        const until = tx.ports.counters.bannedUntil(banKey, tx.startedAt)
        if (until > tx.startedAt) {
          return refuse('Client is banned after repeated rate limit violations', client, until - tx.startedAt)
        }
      }
      let waitMs = 0
      let violated = ''
      for (const limit of limits) {
        if (!limit.applies(context)) continue
        const key = `rate|${site}|${limit.name}|${client}`
        const taken = tx.ports.counters.take(key, limit.perSecond, limit.burst, tx.startedAt)
        if (taken.ok || taken.retryAfterMs < waitMs) continue
        waitMs = taken.retryAfterMs
        violated = limit.name
      }
      if (violated === '') return undefined
      if (
        ban &&
        tx.ports.counters.offend(`offence|${site}|${client}`, ban.within * 1000, tx.startedAt) >= ban.after
      ) {
        tx.ports.counters.ban(banKey, tx.startedAt + ban.for * 1000)
        waitMs = ban.for * 1000
      }
      return refuse(`Rate limit ${violated} exceeded`, client, waitMs)
    },
  }
}

function compileLimit(limit: RateLimitConfig['limits'][number], i: number): Limit {
  const key = `detection.phases.rate_limit.limits[${i}]`
  const onPath =
    limit.path === undefined ? undefined : anyReading([compilePathPattern(limit.path, `${key}.path`, true)])
  const methods = limit.methods && new Set(limit.methods.map((method) => method.toUpperCase()))
  return {
    // The position keeps two limits on one route apart, the route makes the name readable.
    name: `${i}:${limit.path ?? '*'}`,
    perSecond: limit.requests / limit.per,
    burst: limit.burst ?? limit.requests,
    applies: ({ tx, path }) =>
      (methods === undefined || methods.has(tx.method)) && (onPath === undefined || onPath(path)),
  }
}

function refuse(msg: string, client: string, waitMs: number): PhaseDecision {
  const retryAfter = Math.max(1, Math.ceil(waitMs / 1000))
  const match = policyMatch('rate_limit', {
    msg,
    variable: 'REMOTE_ADDR',
    sample: client,
    data: `retry after ${retryAfter} s`,
    severity: 4,
  })
  return { kind: 'block', status: 429, retryAfter, reason: msg, match }
}
