import { lookup } from 'node:dns/promises'
import { networkInterfaces } from 'node:os'

import type { Network } from '../../detectors/ip-address.js'
import { networksOverlap, parseNetwork } from '../../detectors/ip-address.js'
import { splitHostPort } from '../../runtime/host-port.js'
import type { Logger } from '../../runtime/log.js'
import type { GatewayConfig } from '../config.js'

const LOOPBACK = ['127.0.0.0/8', '::1']

/**
 * Whom no answer may ban: this machine, the upstreams, the admin address, the trusted proxies, and those that the operator
 * names. A ban of one of them would cut off the service itself, or the only way to undo the ban.
 */
export class NeverBan {
  readonly #fixed: readonly (readonly [why: string, network: Network])[]
  readonly #upstreams: ReadonlySet<string>
  /** By host name, as it resolved last. */
  readonly #resolved = new Map<string, readonly string[]>()

  constructor(
    config: GatewayConfig,
    readonly log: Logger,
  ) {
    const { admin, answers, trusted_proxies: proxies } = config
    const named = (why: string, texts: readonly string[]) =>
      texts.flatMap((text) => {
        const network = parseNetwork(text)
        return network === undefined ? [] : [[why, network] as const]
      })
    this.#fixed = [
      ...named('is this machine', LOOPBACK),
      ...named('is in gateway.answers.never_ban', answers.never_ban),
      ...named('is a trusted proxy', proxies),
      ...named('is the admin address', admin === undefined ? [] : [splitHostPort(admin).host]),
    ]
    const origins = [...config.sites.map((site) => site.upstream), config.upstream]
    this.#upstreams = new Set(
      origins.flatMap((origin) =>
        origin === undefined ? [] : [new URL(origin).hostname.replace(/^\[|\]$/g, '')],
      ),
    )
  }

  /** Asks for the addresses of the upstreams anew. One that does not resolve now keeps the addresses that it had. */
  async refresh(): Promise<void> {
    await Promise.all(
      [...this.#upstreams].map(async (host) => {
        try {
          const found = await lookup(host, { all: true })
          this.#resolved.set(
            host,
            found.map(({ address }) => address),
          )
        } catch (error) {
          this.log.warn(
            { host, err: error },
            'an upstream does not resolve; bans go by its last known addresses',
          )
        }
      }),
    )
  }

  /** Why a network may not be banned; undefined when it may. */
  objection(network: Network): string | undefined {
    for (const [why, kept] of this.#fixed) if (networksOverlap(kept, network)) return why
    for (const addresses of this.#resolved.values())
      if (touches(addresses, network)) return 'is the address of an upstream'
    // Asked each time: addresses of a machine change.
    const own = Object.values(networkInterfaces()).flatMap(
      (list) => list?.map(({ address }) => address) ?? [],
    )
    return touches(own, network) ? 'is an address of this machine' : undefined
  }
}

const touches = (addresses: readonly string[], network: Network): boolean =>
  addresses.some((text) => {
    const address = parseNetwork(text.replace(/%.*$/, ''))
    return address !== undefined && networksOverlap(address, network)
  })
