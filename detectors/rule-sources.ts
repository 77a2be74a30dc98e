import { fileURLToPath } from 'node:url'

import type { DetectionConfig } from './config.js'
import { coreRuleSetEngineText, coreRuleSetSources } from './core-rule-set.js'
import { rulesAreCoreRuleSet } from './modes.js'
import { OWN_RULE_IDS } from './policy-match.js'
import type { PipelineDeps } from './pipeline.js'
import type { RuleSourceInput } from './seclang/index.js'
import type { Mode, PhaseName } from './verdict.js'

/** Our packs: the phase, its file, and how its transaction variables are called. */
const PACKS = [
  { phase: 'scanner', file: 'scanner.conf', short: 'scanner' },
  { phase: 'sql_injection', file: 'sql-injection.conf', short: 'sqli' },
  { phase: 'xss', file: 'xss.conf', short: 'xss' },
  { phase: 'rce', file: 'rce.conf', short: 'rce' },
  { phase: 'traversal', file: 'traversal.conf', short: 'traversal' },
] as const

/** What base settings and exclusions are filed under; they are marked as base and run whatever phases are on. */
export const BASE_LABEL: PhaseName = 'ip_allow'

/** Ids of the base settings, and of the limits that they enforce. */
export const BASE_RULE_IDS = { from: OWN_RULE_IDS + 1000, to: OWN_RULE_IDS + 1999 } as const

/** Folder of our own packs: beside the sources, or one level up from the compiled files. */
export function packDirectory(): string {
  const up = import.meta.url.endsWith('.ts') ? '../rules/' : '../../rules/'
  return fileURLToPath(new URL(up, import.meta.url))
}

/** All rule text of a site, in the order in which it is compiled. */
export function ruleSources(
  config: DetectionConfig,
  modeOf: (name: PhaseName) => Mode,
  deps: Pick<PipelineDeps, 'packs' | 'files' | 'only'>,
): readonly RuleSourceInput[] {
  const directory = withSlash(deps.packs ?? packDirectory())
  const crs = modeOf('owasp_crs') === 'off' ? [] : coreRuleSetSources(config.phases.owasp_crs, deps.files)
  const engineText = crs.length === 0 ? '' : coreRuleSetEngineText(config.phases.owasp_crs)
  const sources: RuleSourceInput[] = [
    { file: `${directory}base.conf`, label: BASE_LABEL, base: true, set: 'base' },
    {
      file: '(detection settings)',
      text: settingsText(config) + engineText,
      label: BASE_LABEL,
      base: true,
      set: 'settings',
    },
    ...config.exclusions.map((file) => ({ file, label: BASE_LABEL, base: true, set: 'exclusions' })),
  ]
  if (PACKS.some(({ phase }) => modeOf(phase) !== 'off')) {
    sources.push({ file: `${directory}raw-body.conf`, label: BASE_LABEL, base: true, set: 'raw_body' })
  }
  for (const { phase, file } of PACKS) {
    if (modeOf(phase) !== 'off') sources.push({ file: directory + file, label: phase, set: phase })
  }
  const own = rulesAreCoreRuleSet(config, deps.only) ? 'owasp_crs' : 'custom_rules'
  if (modeOf(own) !== 'off') {
    for (const file of config.rules) sources.push({ file, label: own, set: 'custom_rules' })
  }
  return [...sources, ...crs]
}

/** What the configuration says, in SecLang. */
function settingsText(config: DetectionConfig): string {
  const thresholds = PACKS.map(
    ({ phase, short }) => `setvar:tx.portcullis_${short}_threshold=${config.phases[phase].threshold}`,
  )
  return [
    `SecArgumentsLimit ${config.limits.arguments}`,
    `SecRequestBodyJsonDepthLimit ${config.limits.json_depth}`,
    `SecAction "id:${OWN_RULE_IDS + 1900},phase:1,pass,nolog,t:none,${thresholds.join(',')}"`,
    '',
  ].join('\n')
}

function withSlash(directory: string): string {
  return directory.endsWith('/') ? directory : `${directory}/`
}
