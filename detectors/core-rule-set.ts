import type { DetectionConfig } from './config.js'
import { DetectorError } from './errors.js'
import { OWN_RULE_IDS } from './policy-match.js'
import type { RuleFiles } from './ports.js'
import type { RuleSourceInput } from './seclang/index.js'

/** The rule that carries `paranoia_level` and the thresholds into a Core Rule Set. */
export const CRS_SETTINGS_RULE_ID = OWN_RULE_IDS + 13_000

type CrsConfig = DetectionConfig['phases']['owasp_crs']

/** Keys of the configuration and the transaction variables of the Core Rule Set that they stand for. */
const VARIABLES = [
  ['paranoia_level', 'blocking_paranoia_level'],
  ['detection_paranoia_level', 'detection_paranoia_level'],
  ['inbound_threshold', 'inbound_anomaly_score_threshold'],
  ['outbound_threshold', 'outbound_anomaly_score_threshold'],
] as const

/**
 * The rule text of a Core Rule Set release folder, unmodified, in the order that its own documentation asks for: the set-up
 * file (`crs-setup.conf`, or the `.example` beside it), what the configuration sets, plugins where there are any, the rules.
 *
 * @throws DetectorError `DETECTOR_FILE` when the folder is not one of a release
 */
export function coreRuleSetSources(
  config: CrsConfig,
  files: Pick<RuleFiles, 'expand'>,
): readonly RuleSourceInput[] {
  const { dir } = config
  if (dir === undefined) return []
  const folder = dir.endsWith('/') ? dir : `${dir}/`
  const found = (pattern: string): readonly string[] => files.expand(folder + pattern)
  // A pattern, because a plain path expands to itself whether it is there or not.
  const setups = found('crs-setup.conf*')
  const setup =
    setups.find((path) => path.endsWith('/crs-setup.conf')) ??
    setups.find((path) => path.endsWith('/crs-setup.conf.example'))
  const rules = found('rules/*.conf')
  if (setup === undefined || rules.length === 0) {
    throw new DetectorError(
      'DETECTOR_FILE',
      `detection.phases.owasp_crs.dir: ${dir} is no Core Rule Set release folder: it holds no ` +
        (setup === undefined ? 'crs-setup.conf or crs-setup.conf.example' : 'rules/*.conf'),
    )
  }
  const source = (file: string): RuleSourceInput => ({ file, label: 'owasp_crs', set: 'owasp_crs' })
  return [
    source(setup),
    { ...source('(owasp_crs settings)'), text: settingsText(config) },
    ...found('plugins/*-config.conf').map(source),
    ...found('plugins/*-before.conf').map(source),
    ...rules.map(source),
    ...found('plugins/*-after.conf').map(source),
  ]
}

/** Engine settings that response rules need. They are base settings: what they switch on is on for all phases. */
export function coreRuleSetEngineText(config: CrsConfig): string {
  return config.response_bodies ? 'SecResponseBodyAccess On\n' : ''
}

/**
 * What a web application with an API speaks, where nobody has said something else: the rule set by itself knows the methods and
 * content types of HTML forms, SOAP and plain JSON only. Judged like the rest, but a wider set-up than the rule set's own.
 */
const DEFAULTS = [
  ['allowed_methods', 'GET HEAD POST OPTIONS PUT PATCH DELETE'],
  [
    'allowed_request_content_type',
    [
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'application/json',
      'application/ld+json',
      'application/merge-patch+json',
      'application/json-patch+json',
      'application/vnd.api+json',
      'application/problem+json',
      'application/reports+json',
      'application/csp-report',
      'application/cloudevents+json',
      'application/xml',
      'application/soap+xml',
      'text/xml',
      'text/plain',
      'text/csv',
    ]
      .map((type) => `|${type}|`)
      .join(' '),
  ],
] as const

/** What the configuration says, as the variables that the rules read. What it leaves open is for the set-up file to say, then for the defaults. */
function settingsText(config: CrsConfig): string {
  const assignments = VARIABLES.flatMap(([key, variable]) =>
    config[key] === undefined ? [] : [`setvar:tx.${variable}=${config[key]}`],
  )
  if (config.early_blocking) assignments.push('setvar:tx.early_blocking=1')
  const said =
    assignments.length === 0
      ? []
      : [`SecAction "id:${CRS_SETTINGS_RULE_ID},phase:1,pass,nolog,t:none,${assignments.join(',')}"`]
  const defaults = DEFAULTS.map(
    ([variable, value], index) =>
      `SecRule &TX:${variable} "@eq 0" "id:${CRS_SETTINGS_RULE_ID + 1 + index},phase:1,pass,nolog,t:none,setvar:'tx.${variable}=${value}'"`,
  )
  return `${[...said, ...defaults].join('\n')}\n`
}
