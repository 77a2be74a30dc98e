import { printable } from '../printable.js'
import { RuleSetError } from './errors.js'
import type { RuleSetLimits } from './limits.js'

/**
 * The path of an entry, when it stays where it is put.
 *
 * @throws RuleSetError
 */
export const safePath = (name: string, { depth }: Pick<RuleSetLimits, 'depth'>): string => {
  const segments = name
    .replace(/\/+$/, '')
    .split('/')
    .filter((segment, index) => segment !== '.' || index > 0)
  const bad =
    name.startsWith('/') ||
    name.length > 1024 ||
    // Also what is not printable ASCII, and backslashes.
    printable(name) !== name ||
    segments.some((segment) => segment === '..' || segment === '.' || (segment === '' && segments.length > 1))
  if (bad)
    throw new RuleSetError(
      'RULE_SET_ARCHIVE',
      `${printable(name.slice(0, 200))} leaves its folder, or is no plain path`,
    )
  if (segments.length > depth)
    throw new RuleSetError(
      'RULE_SET_TOO_LARGE',
      `${printable(name.slice(0, 200))} is more than ${depth} folders deep`,
    )
  return segments.join('/')
}
