import { open } from 'maxmind'
import type { AsnResponse, CountryResponse, Reader } from 'maxmind'

import type { GeoReader, GeoRecord } from '../detectors/ports.js'
import { messageOf } from '../runtime/errors.js'
import { GatewayError } from './errors.js'

const openDatabase = async <T extends CountryResponse | AsnResponse>(path: string): Promise<Reader<T>> => {
  try {
    return await open<T>(path, { cache: { max: 10_000 } })
  } catch (error) {
    throw new GatewayError('GATEWAY_GEO', `cannot read the MMDB file ${path}: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

const lookUp = <T extends CountryResponse | AsnResponse>(
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

/**
 * Reads country, continent and autonomous system of addresses from MMDB files, which are read into memory once.
 *
 * @returns undefined when neither file is named
 * @throws GatewayError `GATEWAY_GEO`
 */
export const openGeo = async (
  database: string | undefined,
  asnDatabase: string | undefined,
): Promise<GeoReader | undefined> => {
  if (database === undefined && asnDatabase === undefined) return undefined
  const countries = database === undefined ? undefined : await openDatabase<CountryResponse>(database)
  const systems = asnDatabase === undefined ? undefined : await openDatabase<AsnResponse>(asnDatabase)
  return {
    lookup(address): GeoRecord | undefined {
      const place = lookUp(countries, address)
      const network = lookUp(systems, address)
      if (place === null && network === null) return undefined
      const country = place?.country?.iso_code ?? place?.registered_country?.iso_code
      const continent = place?.continent?.code
      const asn = network?.autonomous_system_number
      return {
        ...(country === undefined ? {} : { country }),
        ...(continent === undefined ? {} : { continent }),
        ...(asn === undefined ? {} : { asn }),
      }
    },
  }
}
