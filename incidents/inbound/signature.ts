import { createHmac, timingSafeEqual } from 'node:crypto'

/**
 * Whether a header is the HMAC-SHA256 of the raw body under one of the secrets: 64 hexadecimal digits, with or without
 * `sha256=` before them. Every secret is tried and every comparison takes the same time, so that an answer tells nothing of
 * how near a guess came or which secret it met.
 */
export function isSigned(raw: Uint8Array, header: string | undefined, secrets: readonly string[]): boolean {
  const digits = /^(?:sha256=)?([0-9a-fA-F]{64})$/.exec(header ?? '')?.[1]
  if (digits === undefined) return false
  const given = Buffer.from(digits, 'hex')
  let signed = false
  for (const secret of secrets)
    if (timingSafeEqual(createHmac('sha256', secret).update(raw).digest(), given)) signed = true
  return signed
}
