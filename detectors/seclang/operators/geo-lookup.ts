import type { GeoRecord } from '../../ports.js'
import type { OperatorFactory } from '../operator.js'

/** The fields of `GEO`; degrees have six decimals, as in ModSecurity. */
const FIELDS: readonly (readonly [string, (record: GeoRecord) => string | undefined])[] = [
  ['COUNTRY_CODE', ({ country }) => country],
  ['COUNTRY_NAME', ({ countryName }) => countryName],
  ['COUNTRY_CONTINENT', ({ continent }) => continent],
  ['REGION', ({ region }) => region],
  ['CITY', ({ city }) => city],
  ['POSTAL_CODE', ({ postalCode }) => postalCode],
  ['LATITUDE', ({ latitude }) => latitude?.toFixed(6)],
  ['LONGITUDE', ({ longitude }) => longitude?.toFixed(6)],
  ['DMA_CODE', ({ metroCode }) => metroCode?.toString()],
  ['ASN', ({ asn }) => asn?.toString()],
]

/**
 * Description: looks an address up in the geography database that is configured, and fills `GEO`.
 * Arguments: none.
 * Returns: true when the database knows the address; false too when none is configured.
 * Example: `SecRule REMOTE_ADDR "@geoLookup" "id:1,phase:1,pass,nolog"`
 */
export const geoLookup: OperatorFactory = () => (value, run) => {
  const record = run.geo?.lookup(value)
  if (record === undefined) return false
  const fields = new Map<string, string>()
  for (const [field, read] of FIELDS) {
    const text = read(record)
    if (text !== undefined) fields.set(field, text)
  }
  run.setGeo(fields)
  return true
}
