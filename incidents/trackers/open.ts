import type { Logger } from 'pino'
import type { OutboundConfig } from '../../runtime/outbound.js'
import { readSecret } from '../../runtime/secret.js'
import type { TrackerConfig } from './config.js'
import { GitHubTracker } from './github.js'
import { TrackerHttp } from './http-client.js'
import { OpenPrMcp } from './openpr-mcp.js'
import { OpenPrRest } from './openpr-rest.js'
import { OpenPrTracker } from './openpr.js'
import { TemplatedTracker } from './templated.js'
import type { Tracker } from './tracker.js'

export interface TrackerDeps {
  readonly outbound: OutboundConfig
  readonly now: () => number
  readonly log: Logger
}

/**
 * Opens a configured tracker; nothing is sent yet.
 * @throws RuntimeError `SECRET_MISSING` and the like for its token, `OUTBOUND_REFUSED` for an address that may not be reached
 */
export async function openTracker(config: TrackerConfig, deps: TrackerDeps): Promise<Tracker> {
  const token = await readSecret(config.token)
  const http = (headers: Readonly<Record<string, string>>): TrackerHttp =>
    new TrackerHttp({
      name: config.name,
      baseUrl: config.base_url,
      timeoutMs: config.timeout_seconds * 1000,
      outbound: deps.outbound,
      now: deps.now,
      headers,
    })
  switch (config.type) {
    case 'openpr': {
      const client = http({ authorization: `Bearer ${token}`, 'accept-language': 'en' })
      const api = config.transport === 'mcp' ? new OpenPrMcp(client, config.mcp_path) : new OpenPrRest(client)
      return new OpenPrTracker(config, api, deps.log)
    }
    case 'github':
      return new GitHubTracker(
        config,
        http({
          authorization: `Bearer ${token}`,
          accept: 'application/vnd.github+json',
          'x-github-api-version': '2022-11-28',
        }),
      )
    case 'teamboard':
    case 'http': {
      const { header, scheme } = config.authorization
      return new TemplatedTracker(config, http({ [header.toLowerCase()]: `${scheme} ${token}`.trimStart() }))
    }
  }
}
