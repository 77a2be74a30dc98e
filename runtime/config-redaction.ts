import type { KeyPath } from './config-tree.js'

export const REDACTED = '[redacted]'

const SECRET_KEY =
  /(?:^|_)(?:secrets?|tokens?|passwords?|passphrase|private_key|api_key|api_keys|authorization|cookie)$/
const MAX_SHOWN = 120

/**
 * Whether the key at a path, or a section around it, holds a secret by its name, or is a header field to be sent along.
 * Names of key files are no secrets.
 */
export const isSecret = (path: KeyPath): boolean =>
  path.some((key) => typeof key === 'string' && SECRET_KEY.test(key.toLowerCase())) ||
  path.slice(0, -1).includes('headers')

/** A value for people: secrets and passwords inside URLs hidden, undefined for an absent one. */
export const redact = (path: KeyPath, value: unknown): unknown => {
  if (value === undefined || value === null) return value
  if (isSecret(path) && !isReference(value)) return REDACTED
  if (typeof value === 'string') return withoutUserInfo(value)
  if (Array.isArray(value)) return value.map((item, index) => redact([...path, index], item))
  if (typeof value === 'object')
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [key, redact([...path, key], member)]),
    )
  return value
}

/** The same on one short line, for a message. */
export const showValue = (path: KeyPath, value: unknown): string => {
  const text = JSON.stringify(redact(path, value)) ?? 'nothing'
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
}

/** `env:NAME` and `file:PATH` say where a secret is, not what it is. */
const isReference = (value: unknown): boolean => typeof value === 'string' && /^(?:env|file):/.test(value)

const withoutUserInfo = (text: string): string =>
  text.replace(/^([a-z][a-z0-9+.-]{0,30}:\/\/)[^/?#]{0,2000}@/i, `$1${REDACTED}@`)
