import type { DetectionConfig } from './config.js'
import { describeUnknownPhase } from './config.js'
import { DetectorError } from './errors.js'
import { PHASE_ORDER, isAvailable } from './phase-order.js'
import { PHASE_NAMES, type Mode, type PhaseName } from './verdict.js'

export interface PhaseReport {
  readonly phase: PhaseName
  readonly number: number
  readonly mode: Mode
  /** True when there is nothing to judge by: an empty list, no limit, no rule file. */
  readonly idle: boolean
}

/**
 * The mode that a phase runs in: the weaker of the site's and its own, `off` when it is not among `only`. The rule
 * engine may weaken it further for a transaction (`SecRuleEngine`, `ctl:ruleEngine`).
 */
export function effectiveMode(config: DetectionConfig, name: PhaseName, only?: readonly PhaseName[]): Mode {
  if (only !== undefined && !only.includes(name)) return 'off'
  const phases: Partial<Record<PhaseName, { readonly mode?: Mode | undefined }>> = config.phases
  const settings = phases[name]
  if (settings === undefined) return 'off'
  const own = settings.mode ?? config.mode
  if (own === 'off') return 'off'
  return own === 'block' && config.mode === 'block' ? 'block' : 'detect'
}

/** Every phase of this version with the mode it runs in, in running order, for the banner at startup. */
export function effectiveModes(config: DetectionConfig, only?: readonly PhaseName[]): readonly PhaseReport[] {
  return PHASE_ORDER.map(({ name, number }) => ({
    phase: name,
    number,
    mode: effectiveMode(config, name, only),
    idle: isIdle(config, name, only),
  }))
}

/**
 * Whether rule files stand in for a Core Rule Set folder: `owasp_crs` was asked for by name, `custom_rules` was not, and
 * no folder is given.
 */
export function rulesAreCoreRuleSet(config: DetectionConfig, only?: readonly PhaseName[]): boolean {
  return (
    only !== undefined &&
    only.includes('owasp_crs') &&
    !only.includes('custom_rules') &&
    config.phases.owasp_crs.dir === undefined
  )
}

/** Whether a phase has nothing to judge by. */
export function isIdle(config: DetectionConfig, name: PhaseName, only?: readonly PhaseName[]): boolean {
  const { phases } = config
  switch (name) {
    case 'ip_allow':
    case 'ip_block':
      return phases[name].addresses.length + phases[name].files.length === 0
    case 'url_allow':
    case 'url_block':
      return phases[name].paths.length === 0
    case 'rate_limit':
      return phases.rate_limit.limits.length === 0
    case 'custom_rules':
      return config.rules.length === 0
    case 'owasp_crs':
      return (
        phases.owasp_crs.dir === undefined && !(rulesAreCoreRuleSet(config, only) && config.rules.length > 0)
      )
    case 'hotlink':
      return phases.hotlink.extensions.length === 0
    case 'geoip': {
      const { allow_countries, deny_countries, allow_asns, deny_asns, unknown } = phases.geoip
      const lists = [allow_countries, deny_countries, allow_asns, deny_asns]
      return unknown !== 'block' && lists.every((list) => list.length === 0)
    }
    default:
      return false
  }
}

/**
 * Reads the names given to `--phases`. Throws `DetectorError`: `DETECTOR_PHASE_UNKNOWN` for a name that is none,
 * `DETECTOR_PHASE_UNAVAILABLE` for one of a later version.
 */
export function parsePhaseNames(names: readonly string[]): readonly PhaseName[] {
  return names.map((name) => {
    const phase = PHASE_NAMES.find((known) => known === name)
    if (phase === undefined) throw new DetectorError('DETECTOR_PHASE_UNKNOWN', describeUnknownPhase(name))
    if (!isAvailable(phase)) throw new DetectorError('DETECTOR_PHASE_UNAVAILABLE', describeUnknownPhase(name))
    return phase
  })
}
