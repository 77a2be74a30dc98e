import type { DetectionConfig } from './config.js'
import { DetectorError } from './errors.js'
import { loadIpSet } from './ip-list.js'
import { isIdle } from './modes.js'
import { PHASE_ORDER } from './phase-order.js'
import type { Phase } from './phase.js'
import { geoip } from './phases/geoip.js'
import { hotlink } from './phases/hotlink.js'
import { ipAllow } from './phases/ip-allow.js'
import { ipBlock } from './phases/ip-block.js'
import { rateLimit } from './phases/rate-limit.js'
import { urlAllow } from './phases/url-allow.js'
import { urlBlock } from './phases/url-block.js'
import type { PipelineDeps } from './pipeline.js'
import type { Mode, PhaseName } from './verdict.js'

/**
 * The phases that are not made of SecLang rules, in running order: those that are on and have something to judge by. A
 * phase that was named in `only` and has nothing is warned about.
 */
export function policyPhases(
  config: DetectionConfig,
  modeOf: (name: PhaseName) => Mode,
  deps: PipelineDeps,
): readonly Phase[] {
  const phases: Phase[] = []
  for (const { name, kind } of PHASE_ORDER) {
    const mode = modeOf(name)
    if (mode === 'off') continue
    if (isIdle(config, name) && !isAnswered(name, deps)) {
      if (deps.only?.includes(name) === true)
        deps.warn(`phase "${name}" is named but has no rules: it is idle`)
    } else if (kind === 'policy') phases.push(makePhase(name, config, mode, deps))
  }
  return phases
}

/** Answers to incidents may come at any time, so a phase that they use runs also with an empty list. */
const isAnswered = (name: PhaseName, { ports }: PipelineDeps): boolean =>
  ports.answers !== undefined && (name === 'ip_block' || name === 'url_block')

function makePhase(name: PhaseName, config: DetectionConfig, mode: Mode, deps: PipelineDeps): Phase {
  const { phases } = config
  const key = `detection.phases.${name}`
  switch (name) {
    case 'ip_allow':
      return ipAllow(loadIpSet({ ...phases.ip_allow, key }, deps.files, deps.warn))
    case 'ip_block':
      return ipBlock(loadIpSet({ ...phases.ip_block, key }, deps.files, deps.warn), deps.ports.answers)
    case 'url_allow':
      return urlAllow(phases.url_allow.paths)
    case 'url_block':
      return urlBlock(phases.url_block.paths, deps.site ?? 'default', deps.ports.answers)
    case 'rate_limit':
      return rateLimit(phases.rate_limit, deps.site ?? 'default', mode)
    case 'hotlink':
      return hotlink(phases.hotlink)
    case 'geoip':
      if (deps.ports.geo === undefined) {
        throw new DetectorError(
          'DETECTOR_PORT_MISSING',
          `${key} has a policy but no database: set ${key}.database (countries) or ${key}.asn_database (networks)`,
        )
      }
      return geoip(phases.geoip, deps.ports.geo)
    default:
      throw new DetectorError('DETECTOR_PHASE_UNAVAILABLE', `phase "${name}" has no policy`)
  }
}
