import type { DetectionConfig } from '../config.js'
import type { Phase } from '../phase.js'
import { policyMatch } from '../policy-match.js'
import type { GeoReader } from '../ports.js'

type GeoipConfig = DetectionConfig['phases']['geoip']

/** Phase 17: country and network policy. What is denied is denied also when it is allowed in another list. */
export function geoip(config: GeoipConfig, geo: GeoReader): Phase {
  const upper = (codes: readonly string[]): Set<string> => new Set(codes.map((code) => code.toUpperCase()))
  const allowCountries = upper(config.allow_countries)
  const denyCountries = upper(config.deny_countries)
  const allowAsns = new Set(config.allow_asns)
  const denyAsns = new Set(config.deny_asns)
  const restricted = allowCountries.size + allowAsns.size > 0
  const blockUnknown = (config.unknown ?? (restricted ? 'block' : 'allow')) === 'block'

  const objection = (country: string | undefined, asn: number | undefined): string | undefined => {
    if (country === undefined && asn === undefined) return blockUnknown ? 'is not in the database' : undefined
    if (asn !== undefined && denyAsns.has(asn)) return `is in denied network AS${asn}`
    if (country !== undefined && denyCountries.has(country)) return `is in denied country ${country}`
    if (!restricted) return undefined
    const allowed =
      (country !== undefined && allowCountries.has(country)) || (asn !== undefined && allowAsns.has(asn))
    return allowed ? undefined : `is in no allowed country or network (${country ?? '--'}, AS${asn ?? '--'})`
  }

  return {
    name: 'geoip',
    onClient({ tx }) {
      const record = geo.lookup(tx.client.address)
      const why = objection(record?.country?.toUpperCase(), record?.asn)
      if (why === undefined) return undefined
      const match = policyMatch('geoip', {
        msg: `Client address ${why}`,
        variable: 'GEO:COUNTRY_CODE',
        sample: record?.country ?? '',
        data: tx.client.address,
        severity: 4,
      })
      return { kind: 'block', reason: `client address ${why}`, match }
    },
  }
}
