import type { DetectionConfig } from '../detectors/config.js'
import { detectionConfig } from '../detectors/config.js'
import { GatewayError } from './errors.js'

type Tree = Readonly<Record<string, unknown>>

const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Objects are merged key by key; everything else, lists too, is replaced. */
const merge = (base: unknown, over: unknown): unknown => {
  if (!isTree(base) || !isTree(over)) return over
  const merged: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(over))
    if (key !== '__proto__') merged[key] = merge(base[key], value)
  return merged
}

/**
 * How a site is judged: the general settings with its own ones over them.
 *
 * @throws GatewayError `GATEWAY_SITE`, which names the site, the key and what is wrong with it
 */
export const siteDetection = (
  site: string,
  general: DetectionConfig,
  own: Tree | undefined,
): DetectionConfig => {
  if (own === undefined) return general
  const parsed = detectionConfig.safeParse(merge(general, own))
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map(
    ({ path, message }) =>
      `sites.${site}.detection${path.map((key) => `.${String(key)}`).join('')}: ${message}`,
  )
  throw new GatewayError('GATEWAY_SITE', problems.join('; '), { cause: parsed.error })
}
