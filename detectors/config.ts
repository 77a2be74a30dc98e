import { z } from 'zod'

import {
  geoipConfig,
  hotlinkConfig,
  ipListConfig,
  owaspCrsConfig,
  rateLimitConfig,
  urlListConfig,
} from './config-phases.js'
import { isAvailable, unavailableReason } from './phase-order.js'
import { PHASE_NAMES, type PhaseName } from './verdict.js'

const phaseMode = z
  .enum(['block', 'detect', 'off'])
  .optional()
  .describe(
    'How this phase acts: `block` enforces, `detect` only records what would have happened, `off` does not run it. ' +
      'The weaker of this and the mode of the site counts. Default: the mode of the site.',
  )

const packConfig = z.strictObject({
  mode: phaseMode,
  threshold: z
    .int()
    .min(1)
    .max(1000)
    .default(5)
    .describe(
      'Weaker signs add 2 or 3 points each; from this sum on they count as an attack. Default 5. A lower figure finds ' +
        'more and refuses more that is harmless; a strong sign blocks by itself whatever this is.',
    ),
})

const unknownPhases: z.core.$ZodErrorMap = (issue) => {
  if (issue.code !== 'unrecognized_keys') return undefined
  return issue.keys.map((key) => describeUnknownPhase(key)).join('; ')
}

const phasesConfig = z
  .strictObject(
    {
      ip_allow: ipListConfig(phaseMode).describe(
        'Phase 1. Clients at these addresses leave the pipeline here: nothing else judges them. They are still logged.',
      ),
      ip_block: ipListConfig(phaseMode).describe('Phase 2. Clients at these addresses get 403.'),
      url_allow: urlListConfig(phaseMode).describe(
        'Phase 3. Requests to these paths skip the content phases, never the client ones. Only a path that every server ' +
          'reads the same way can match: plain ASCII, no encoded separators, dot segments, `//` or `;params`. Case counts.',
      ),
      url_block: urlListConfig(phaseMode).describe(
        'Phase 4. Requests to these paths get 403, in whichever way the path is encoded. Case does not count.',
      ),
      rate_limit: rateLimitConfig(phaseMode),
      scanner: packConfig.prefault({}).describe('Phase 6. Security scanners by agent, header and path.'),
      sql_injection: packConfig.prefault({}).describe('Phase 8. SQL injection.'),
      xss: packConfig.prefault({}).describe('Phase 9. Cross-site scripting.'),
      rce: packConfig
        .prefault({})
        .describe('Phase 10. Command and code injection, SSRF, template injection, deserialisation.'),
      traversal: packConfig
        .prefault({})
        .describe('Phase 11. Path traversal and access to files of the system.'),
      custom_rules: z
        .strictObject({ mode: phaseMode })
        .prefault({})
        .describe('Phase 12. The rules in the files of `rules`.'),
      owasp_crs: owaspCrsConfig(phaseMode),
      hotlink: hotlinkConfig(phaseMode),
      geoip: geoipConfig(phaseMode),
    },
    { error: unknownPhases },
  )
  .prefault({})
  .describe(
    'Settings of each phase. All content phases run unless switched off; lists and limits are empty by default.',
  )

/**
 * The `detection` section. Unknown keys are refused. Every default is here and nowhere else.
 */
export const detectionConfig = z.strictObject({
  mode: z
    .enum(['block', 'detect'])
    .default('block')
    .describe(
      'Mode of the site. `block` (default) refuses what a phase objects to; `detect` lets everything through and records ' +
        'what would have been refused.',
    ),
  phases: phasesConfig,
  rules: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'SecLang files, loaded in this order after our base settings, as phase custom_rules. Rules of a Core Rule Set ' +
        'among them (their `ver` says so) are named as phase owasp_crs. Default: none.',
    ),
  rule_environment: z
    .array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'is no name of an environment variable'))
    .max(64)
    .default([])
    .describe(
      'Variables of the process that rules may read as `ENV:NAME`. Rules may log what they read: list no secret. Default: none.',
    ),
  exclusions: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'SecLang files loaded before all packs, for exclusions such as `portcullis explain` writes. They switch parts of judging ' +
        'off: keep them as narrow as it writes them. Default: none.',
    ),
  limits: z
    .strictObject({
      exceeded: z
        .enum(['block', 'log'])
        .default('block')
        .describe(
          'What happens to a request with more parameters or cookies than are judged: `block` (default) refuses it with 400, ' +
            '`log` lets the rest of it through unjudged and names the limit on the verdict.',
        ),
      arguments: z
        .int()
        .min(1)
        .max(100_000)
        .default(1000)
        .describe(
          'Most parameters of one request that are judged, query and body each. Default 1000. What is over it is not judged and ' +
            'the verdict names the limit `arguments`; see `exceeded`.',
        ),
      json_depth: z
        .int()
        .min(1)
        .max(10_000)
        .default(128)
        .describe(
          'Deepest nesting of a JSON body. Default 128. Over it the request is refused with 400 in mode `block`.',
        ),
    })
    .prefault({})
    .describe('Limits of judging; sizes of bodies are limits of the gateway.'),
})

export type DetectionConfig = z.output<typeof detectionConfig>
export type DetectionConfigInput = z.input<typeof detectionConfig>

/** What to tell an operator who names a phase that does not exist, or not yet. */
export function describeUnknownPhase(name: string): string {
  const known = PHASE_NAMES.find((phase): phase is PhaseName => phase === name)
  if (known !== undefined && !isAvailable(known)) return unavailableReason(known)
  return `unknown phase "${name.slice(0, 40)}" (known: ${PHASE_NAMES.filter(isAvailable).join(', ')})`
}
