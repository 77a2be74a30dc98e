import { isIP } from 'node:net'
import { z } from 'zod'

const parseHostPort = (text: string): { host: string; port: number } | undefined => {
  const match = /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9._-]{1,253})):(\d{1,5})$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host === undefined || port > 65_535) return undefined
  if (match?.[1] !== undefined && isIP(host) !== 6) return undefined
  return { host, port }
}

/** `HOST:PORT`, an IPv6 address in brackets; port 0 takes any free one. */
export const hostPort = z
  .string()
  .refine((text) => parseHostPort(text) !== undefined, 'must be HOST:PORT, e.g. 127.0.0.1:8080 or [::1]:8080')

/** The other way round; an IPv6 address gets its brackets. */
export const joinHostPort = (host: string, port: number): string =>
  isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`

/**
 * Splits a text that `hostPort` accepted.
 *
 * @throws RangeError for any other text
 */
export const splitHostPort = (text: string): { host: string; port: number } => {
  const parts = parseHostPort(text)
  if (parts === undefined) throw new RangeError(`${text} is not HOST:PORT`)
  return parts
}
