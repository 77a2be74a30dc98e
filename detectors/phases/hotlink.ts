import type { DetectionConfig } from '../config.js'
import type { Phase } from '../phase.js'
import { policyMatch } from '../policy-match.js'

type HotlinkConfig = DetectionConfig['phases']['hotlink']

/** Phase 15: files of the given kinds are served to pages of this site and of allowed hosts only. */
export function hotlink(config: HotlinkConfig): Phase {
  const extensions = new Set(config.extensions.map((extension) => extension.toLowerCase()))
  const hosts = new Set<string>()
  const suffixes: string[] = []
  for (const host of config.allowed_hosts) {
    if (host.startsWith('*.')) suffixes.push(host.slice(1).toLowerCase())
    else hosts.add(host.toLowerCase())
  }
  return {
    name: 'hotlink',
    onRequestHeaders({ tx, path }) {
      if (tx.method !== 'GET' && tx.method !== 'HEAD') return undefined
      if (!path.readings.some((reading) => extensions.has(extensionOf(reading)))) return undefined
      const referers = tx.headers.all('referer')
      if (referers.length === 0 && config.allow_missing_referer) return undefined
      const own = hostOf(tx.host)
      const allowed =
        referers.length > 0 &&
        referers.every((referer) => {
          const host = refererHost(referer)
          if (host === undefined) return false
          return host === own || hosts.has(host) || suffixes.some((suffix) => host.endsWith(suffix))
        })
      if (allowed) return undefined
      const match = policyMatch('hotlink', {
        msg: 'File is embedded by a page of another site',
        variable: 'REQUEST_HEADERS:Referer',
        sample: referers[0] ?? '',
        severity: 5,
      })
      return { kind: 'block', reason: 'file is embedded by a page of another site', match }
    },
  }
}

function extensionOf(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const dot = name.lastIndexOf('.')
  return dot === -1 ? '' : name.slice(dot + 1).toLowerCase()
}

/** Host of an absolute http or https URL (RFC 3986 section 3.2), lower case; `undefined` for anything else. */
function refererHost(referer: string): string | undefined {
  const scheme = /^https?:\/\//i.exec(referer)
  if (scheme === null) return undefined
  const rest = referer.slice(scheme[0].length)
  const end = rest.search(/[/?#\\]/)
  const authority = end === -1 ? rest : rest.slice(0, end)
  return hostOf(authority.slice(authority.lastIndexOf('@') + 1))
}

/** Host without port. */
function hostOf(authority: string): string | undefined {
  const match = /^(\[[0-9a-f:.]{2,45}\]|[^:[\]]{1,255})(?::\d{0,5})?$/i.exec(authority.trim())
  return match?.[1]?.toLowerCase().replace(/\.$/, '')
}
