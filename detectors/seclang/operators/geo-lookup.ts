import type { OperatorFactory } from '../operator.js'

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
  if (record.country !== undefined) fields.set('COUNTRY_CODE', record.country)
  if (record.continent !== undefined) fields.set('COUNTRY_CONTINENT', record.continent)
  if (record.asn !== undefined) fields.set('ASN', String(record.asn))
  run.setGeo(fields)
  return true
}
