import { createHash } from 'node:crypto'

import { BASE_RULE_IDS } from '../detectors/rule-sources.js'
import { isEvaluationId } from '../detectors/verdict-rule.js'
import type { VerdictRecord } from '../gateway/verdict-record.js'

/** What would let a request like this one pass, as narrow as it can be said. */
export interface Exclusion {
  /** SecLang to be saved in a file that `detection.exclusions` names; empty when rules are not what refused it. */
  readonly seclang: string
  /** What to do, one sentence each. */
  readonly advice: readonly string[]
}

/** Ids 1 to 99999 are for local use (SecLang reference, `id`); the lowest thousand is left to the operator. */
const LOCAL_IDS = { from: 1000, count: 99_000 }
/** Text that can stand in an operator's argument as it is: nothing that SecLang quotes, expands or splits at. */
const PLAIN_PATH = /^\/[A-Za-z0-9._~/@:+=-]{0,1000}$/
const PLAIN_TARGET = /^[A-Z_]{1,60}(?::[A-Za-z0-9_.[\]/*@-]{1,200})?$/

/**
 * The narrowest exclusion for a refused request: on this path only, each rule that objected is kept from looking at the
 * variable in which it matched. Everything else is still judged.
 */
export const exclusionFor = (record: VerdictRecord): Exclusion => {
  const { verdict } = record
  const advice: string[] = []
  const matches = record.rules
    .map((rule, index) => ({ ...rule, phase: record.origins[index]?.phase }))
    .filter(
      ({ id, phase, seclang_phase: seclangPhase }) =>
        seclangPhase > 0 && phase === verdict.phase && !isEvaluationId(id) && !isBase(id),
    )
  if (matches.length === 0) return { seclang: '', advice: [keyAdvice(verdict.phase)] }

  const path = record.request.uri.replace(/[?#].*$/s, '')
  const onPath = PLAIN_PATH.test(path)
  if (!onPath) advice.push('The path cannot be named safely in a rule, so the exclusion holds on every path.')
  const removals = new Set<string>()
  for (const { id, variable } of matches) {
    if (PLAIN_TARGET.test(variable)) removals.add(`ctl:ruleRemoveTargetById=${id};${variable}`)
    else {
      removals.add(`ctl:ruleRemoveById=${id}`)
      advice.push(
        `The variable of rule ${id} cannot be named safely, so the whole rule is switched off there.`,
      )
    }
  }
  const condition = onPath ? `SecRule REQUEST_FILENAME "@streq ${path}"` : 'SecAction'
  const actions = [...removals].map((removal) => `${removal}`)
  const id = localId([condition, ...actions].join('\n'))
  const seclang = [
    `# Lets through what request ${record.request_id} was refused for (phase ${verdict.phase ?? 'none'}).`,
    `${condition} \\`,
    `    "${[`id:${id}`, 'phase:1', 'pass', 'nolog', 't:none', ...actions].join(',\\\n    ')}"`,
    '',
  ].join('\n')
  advice.push(
    'Save the rule in a file and name that file in detection.exclusions; later phases may still object to the request.',
  )
  return { seclang, advice }
}

const isBase = (id: number): boolean => id >= BASE_RULE_IDS.from && id <= BASE_RULE_IDS.to

/** The same exclusion has the same id, two different ones hardly ever. */
const localId = (text: string): number =>
  LOCAL_IDS.from + (createHash('sha256').update(text).digest().readUInt32BE(0) % LOCAL_IDS.count)

const keyAdvice = (phase: VerdictRecord['verdict']['phase']): string => {
  switch (phase) {
    case null:
      return 'Nothing refused this request.'
    case 'malformed':
      return 'A request that is not well-formed is refused whatever the rules say; the client has to send it right.'
    case 'request':
      return 'A limit refused it: see gateway.limits and detection.limits in the configuration.'
    default:
      return `No rule but the policy of the phase refused it: see detection.phases.${phase} in the configuration.`
  }
}
