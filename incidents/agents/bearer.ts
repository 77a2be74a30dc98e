import { createHash, timingSafeEqual } from 'node:crypto'

const MAX_TOKEN = 1024

/** The token of an `Authorization: Bearer` header (RFC 6750, section 2.1); undefined when there is none. */
export function bearerToken(header: string | undefined): string | undefined {
  if (header === undefined || header.length > MAX_TOKEN) return undefined
  const [, token] = /^Bearer +([\w.~+/:=-]+) *$/i.exec(header) ?? []
  return token
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** Compares two secrets in a time that tells neither where they differ nor how long they are. */
export function equalSecrets(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
