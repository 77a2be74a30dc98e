import { open } from 'maxmind'
import type { AsnResponse, CityResponse, Reader } from 'maxmind'

import type { GeoReader, GeoRecord } from '../detectors/ports.js'
import { messageOf } from '../runtime/errors.js'
import { GatewayError } from './errors.js'

const openDatabase = async <T extends CityResponse | AsnResponse>(path: string): Promise<Reader<T>> => {
  try {
    return await open<T>(path, { cache: { max: 10_000 } })
  } catch (error) {
    throw new GatewayError('GATEWAY_GEO', `cannot read the MMDB file ${path}: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

const lookUp = <T extends CityResponse | AsnResponse>(
  reader: Reader<T> | undefined,
  address: string,
): T | null => {
  if (reader === undefined) return null
  // A file for IPv4 only throws for an IPv6 address: it does not know it.
  try {
    return reader.get(address)
  } catch {
    return null
  }
}

const english = (place: { readonly names?: { readonly en?: string } } | undefined): string | undefined =>
  place?.names?.en

/** Only what the files know; the types promise more of a record than a data base need hold. */
const defined = (fields: { readonly [Key in keyof GeoRecord]: GeoRecord[Key] | undefined }): GeoRecord =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

/**
 * Reads the country, the place (from a city data base) and the autonomous system of addresses from MMDB files, which are read into memory once.
 *
 * @returns undefined when neither file is named
 * @throws GatewayError `GATEWAY_GEO`
 */
export const openGeo = async (
  database: string | undefined,
  asnDatabase: string | undefined,
): Promise<GeoReader | undefined> => {
  if (database === undefined && asnDatabase === undefined) return undefined
  const countries = database === undefined ? undefined : await openDatabase<CityResponse>(database)
  const systems = asnDatabase === undefined ? undefined : await openDatabase<AsnResponse>(asnDatabase)
  return {
    lookup(address): GeoRecord | undefined {
      const place = lookUp(countries, address)
      const network = lookUp(systems, address)
      if (place === null && network === null) return undefined
      return defined({
        country: place?.country?.iso_code ?? place?.registered_country?.iso_code,
        countryName: english(place?.country) ?? english(place?.registered_country),
        continent: place?.continent?.code,
        region: place?.subdivisions?.[0]?.iso_code,
        city: english(place?.city),
        postalCode: place?.postal?.code,
        latitude: place?.location?.latitude,
        longitude: place?.location?.longitude,
        metroCode: place?.location?.metro_code,
        asn: network?.autonomous_system_number,
      })
    },
  }
}
