import { z } from 'zod'

import { parseNetwork } from '../detectors/ip-address.js'
import { hostPort } from '../runtime/host-port.js'
import { answersConfig } from './answers/config.js'

const KIB = 1024
const MIB = 1024 * KIB

const isOrigin = (text: string): boolean => {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  return (
    (url.protocol === 'http:' || url.protocol === 'https:') &&
    url.pathname === '/' &&
    url.search === '' &&
    url.hash === '' &&
    url.username === '' &&
    url.password === ''
  )
}

const origin = z
  .string()
  .refine(isOrigin, 'must be http://HOST[:PORT] or https://HOST[:PORT], without path, query or user')

const network = z
  .string()
  .refine((text) => parseNetwork(text) !== undefined, 'must be an address or a CIDR network')

const seconds = (value: number, text: string) =>
  z.number().positive().max(86_400).default(value).describe(`${text} Seconds; default ${value}.`)

const bytes = (value: number, text: string) =>
  z
    .int()
    .min(KIB)
    .max(1024 * MIB)
    .default(value)
    .describe(`${text} Bytes; default ${value}.`)

/** `*` stands for any one or more labels at the start, as in `*.example.org`. */
const hostName = z
  .string()
  .regex(
    /^(?:\*\.)?[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){0,20}$|^\[[0-9A-Fa-f:.]{2,45}\]$/,
    'must be a host name without port, e.g. shop.example.org or *.example.org',
  )

const routeConfig = z.strictObject({
  path: z
    .string()
    .regex(/^\/[^?#\s]*$/, 'must begin with / and hold no query')
    .describe(
      'Prefix of the path, by whole segments: /upload also means /upload/a, not /uploads. The longest wins.',
    ),
  body: z
    .enum(['hold', 'process-partial'])
    .default('hold')
    .describe(
      'hold: a body over the limits gets 413. process-partial: what fits the limits is judged, the rest streams through ' +
        'unjudged and the verdict is marked truncated. Default hold.',
    ),
})

const siteConfig = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'must be 1 to 63 of a-z 0-9 . _ - and begin with a letter or digit')
    .describe('Name of the site in logs, metrics and events.'),
  hosts: z
    .array(hostName)
    .min(1)
    .max(1000)
    .describe('Host names that this site answers to. The first site also takes requests for unknown hosts.'),
  upstream: origin.describe('Where its requests go.'),
  routes: z
    .array(routeConfig)
    .max(1000)
    .default([])
    .describe('Paths that are handled in another way. Default none.'),
  detection: z
    .record(z.string(), z.unknown())
    .optional()
    .describe(
      'Keys of `detection` that differ for this site; the others are inherited, lists are replaced. Default: none.',
    ),
})

const timeouts = z
  .strictObject({
    connect: seconds(5, 'To open a connection to the upstream; over it 504.'),
    headers: seconds(
      15,
      'For a client to send the head of a request; over it 408 and the connection closes.',
    ),
    body: seconds(
      30,
      'A request body, or a client that reads a response, may stand still this long; over it 408 or a cut.',
    ),
    idle: seconds(60, 'A kept-alive connection waits this long for its next request.'),
    response_headers: seconds(60, 'For the upstream to begin its response; over it 504.'),
    response_body: seconds(
      120,
      'A response may stand still this long; then it is cut. Event streams need a longer one or heartbeats.',
    ),
    shutdown: seconds(20, 'For requests in flight to finish when the gateway stops; then they are cut.'),
  })
  .prefault({})

const limits = z
  .strictObject({
    header_bytes: z
      .int()
      .min(1024)
      .max(256 * KIB)
      .default(32 * KIB)
      .describe('Request line and headers; over it 431. Bytes; default 32768.'),
    body_rate: z
      .int()
      .min(0)
      .max(MIB)
      .default(64)
      .describe(
        'How fast a request body must come, on average over timeouts.body; slower is 408. Listener strict and HTTP/1 only. Bytes per second; 0: at any speed; default 64.',
      ),
    fields: bytes(
      128 * KIB,
      'Fields of a request body (all of it but uploaded files) that are held and judged; over it 413.',
    ),
    body: bytes(
      12 * MIB,
      'A whole request body that is held and judged; over it 413. Each request may hold so much memory.',
    ),
    response_body: bytes(
      512 * KIB,
      'A response body that is held when a phase needs it; over it the verdict is marked truncated and the rest streams.',
    ),
    decoded_body: bytes(
      4 * MIB,
      'A compressed body after decoding for judgement; over it the verdict is marked truncated.',
    ),
    decode_ratio: z
      .int()
      .min(2)
      .max(1000)
      .default(100)
      .describe(
        'Decoded bytes per encoded byte; over it decoding stops and the verdict is marked truncated. Default 100.',
      ),
    message_bytes: bytes(
      16 * MIB,
      'One WebSocket message where the listener hands over messages; over it the connection closes.',
    ),
    upstream_requests: z
      .int()
      .min(1)
      .max(65_536)
      .default(1024)
      .describe('Requests in flight to one upstream from one thread; over it 503. Default 1024.'),
  })
  .prefault({})

/**
 * The gateway's piece of the configuration. A key's description says its default and what happens when it is met or
 * wrong; unknown keys are refused.
 */
export const gatewayConfig = z
  .strictObject({
    listen: hostPort
      .default('127.0.0.1:8080')
      .describe('Where clients connect. Default 127.0.0.1:8080: reachable from this machine only.'),
    listener: z
      .enum(['auto', 'strict', 'node', 'uws'])
      .default('auto')
      .describe(
        'strict is our own, node is that of Node, uws is uWebSockets.js without TLS. auto takes the first that passes a self-test of exact delivery at start: strict. Default auto.',
      ),
    tls: z
      .strictObject({
        cert: z.string().min(1).describe('PEM file, the leaf first, then its chain.'),
        key: z.string().min(1).describe('PEM file with its private key; must not be readable by others.'),
        min_version: z
          .enum(['TLSv1.2', 'TLSv1.3'])
          .default('TLSv1.2')
          .describe('Oldest version spoken. Default TLSv1.2.'),
      })
      .optional()
      .describe('Serves HTTPS with HTTP/2 and HTTP/1.1. Default: plain HTTP/1.1.'),
    upstream: origin
      .optional()
      .describe(
        'The service behind the gateway when there is one site only. Without it and without `sites` every request gets 503.',
      ),
    sites: z
      .array(siteConfig)
      .max(1000)
      .default([])
      .describe(
        'Several services behind one gateway, told apart by Host. Default: one site of all hosts, at `upstream`.',
      ),
    routes: z
      .array(routeConfig)
      .max(1000)
      .default([])
      .describe('Paths of the one site at `upstream` that are handled in another way. Default none.'),
    trusted_proxies: z
      .array(network)
      .max(10_000)
      .default([])
      .describe(
        'Proxies in front of us whose X-Forwarded-* fields are believed. Default none: a wrong entry lets clients choose their address.',
      ),
    answers: answersConfig,
    timeouts: timeouts.describe('How long the gateway waits, and what happens then.'),
    limits: limits.describe('How much the gateway holds, and what happens above it.'),
    audit_log: z
      .strictObject({
        file: z
          .string()
          .min(1)
          .optional()
          .describe('JSON lines, one per transaction that was not a plain allow. Default: none is written.'),
        mask: z
          .enum(['secrets', 'none'])
          .default('secrets')
          .describe(
            'secrets hides passwords, tokens and card numbers in samples; none writes them as they came. Default secrets.',
          ),
      })
      .prefault({})
      .describe('The audit log.'),
    threads: z
      .int()
      .min(1)
      .max(64)
      .default(1)
      .describe(
        'Threads that serve requests on the shared port. Default 1. The listener strict serves with more from Node 22.12 on Linux on, uws always; else one serves, with a warning.',
      ),
    admin: hostPort
      .optional()
      .describe(
        'GET /health, /ready and /metrics are served here. Default: not served. Keep it off public networks.',
      ),
    verdicts: z
      .strictObject({
        max: z
          .int()
          .min(100)
          .max(10_000_000)
          .default(200_000)
          .describe('Verdicts kept for `explain`; the oldest go first. Default 200000.'),
        days: z
          .number()
          .positive()
          .max(3650)
          .default(30)
          .describe('Days that a verdict is kept at most. Default 30.'),
      })
      .prefault({})
      .describe('The store that `portcullis explain` reads.'),
  })
  .superRefine((config, context) => {
    if (config.upstream !== undefined && config.sites.length > 0)
      context.addIssue({
        code: 'custom',
        path: ['upstream'],
        message: 'use either upstream or sites: with both, nobody can tell where a request goes',
      })
    if (config.routes.length > 0 && config.sites.length > 0)
      context.addIssue({
        code: 'custom',
        path: ['routes'],
        message: 'belongs to a site: write it below the site in sites',
      })
    const names = new Set<string>()
    const hosts = new Set<string>()
    for (const [index, site] of config.sites.entries()) {
      if (names.has(site.name))
        context.addIssue({
          code: 'custom',
          path: ['sites', index, 'name'],
          message: `${site.name} is there twice`,
        })
      names.add(site.name)
      for (const host of site.hosts) {
        const lower = host.toLowerCase()
        if (hosts.has(lower))
          context.addIssue({
            code: 'custom',
            path: ['sites', index, 'hosts'],
            message: `${host} is there twice`,
          })
        hosts.add(lower)
      }
    }
    if (config.tls !== undefined && config.listener === 'uws')
      context.addIssue({
        code: 'custom',
        path: ['listener'],
        message: 'uws serves plain HTTP only; use strict, node or auto with tls',
      })
  })

export type GatewayConfig = z.infer<typeof gatewayConfig>
export type SiteConfig = GatewayConfig['sites'][number]
export type RouteConfig = SiteConfig['routes'][number]
