import { DetectorError } from './errors.js'
import { type ExcludedTarget, type Exclusion, writeExclusion } from './exclusion.js'
import { phaseNumber } from './phase-order.js'
import { OWN_RULE_IDS, OWN_RULE_IDS_END } from './policy-match.js'
import { splitTarget } from './transaction/target.js'
import { isEvaluationId, isSetupId } from './verdict-rule.js'
import { PHASE_NAMES, type PhaseName, type RequestSpan } from './verdict.js'

/** A rule as a record of a verdict keeps it; keys are the words of the audit log. Values may be masked. */
export interface ExplainedRule {
  readonly id: number
  readonly seclang_phase: number
  readonly severity?: number | null
  readonly msg: string
  readonly data: string
  readonly variable: string
  readonly sample: string
  readonly tags: readonly string[]
}

/** What is needed of a record: a line of the audit log has all of it, `reason` and `origins` are welcome. */
export interface ExplainedRecord {
  readonly time?: string
  readonly request_id: string
  readonly client: string
  readonly request: { readonly method: string; readonly uri: string; readonly host: string }
  readonly verdict: {
    readonly action: string
    readonly mode: string
    readonly phase?: string | null
    readonly rule?: number | null
    readonly status: number
    readonly score: number
    readonly truncated: readonly string[]
  }
  readonly reason?: string
  readonly rules: readonly ExplainedRule[]
  /** One for each of `rules`. */
  readonly origins?: readonly RuleOrigin[]
}

interface RuleOrigin {
  readonly phase: string
  readonly file?: string
  readonly line?: number
  readonly source?: readonly RequestSpan[]
}

/** What is known of the rules that are loaded now, by id. */
export type KnownRules = ReadonlyMap<
  number,
  { readonly file: string; readonly line: number; readonly operator: string }
>

export interface RuleExplanation extends ExplainedRule {
  /** `scoring` objected to the request, `bookkeeping` set something up or added up, `policy` is no SecLang rule. */
  readonly role: 'scoring' | 'bookkeeping' | 'policy'
  readonly phase?: string
  readonly file?: string
  readonly line?: number
  readonly operator?: string
  /** Where in the request, as sent, the variable stands. */
  readonly source?: readonly RequestSpan[]
}

export interface Explanation {
  readonly request_id: string
  readonly verdict: ExplainedRecord['verdict']
  readonly reason: string
  /** The rule that a person wants to hear of. */
  readonly deciding?: RuleExplanation
  readonly rules: readonly RuleExplanation[]
  /** SecLang that would let such a request pass, or empty: then `advice` says what to do instead. */
  readonly exclusion: string
  readonly advice: readonly string[]
  /** The same for a person, printable ASCII only. */
  readonly lines: readonly string[]
}

/**
 * Answers "which rule was it, and what would let this request pass". The exclusion is the narrowest there is: this path,
 * this method, the variables that matched, the rules that objected. Evaluation rules are never excluded.
 */
export function explainVerdict(record: ExplainedRecord, known?: KnownRules): Explanation {
  const rules = record.rules.map((rule, i) =>
    explainRule(rule, record, record.origins?.[i], known?.get(rule.id)),
  )
  const deciding =
    rules.find(({ id }) => id === record.verdict.rule) ?? rules.find(({ role }) => role === 'scoring')
  const advice: string[] = []
  const exclusion = exclusionOf(record, rules, advice)
  const explanation = {
    request_id: record.request_id,
    verdict: record.verdict,
    reason: record.reason ?? deciding?.msg ?? '',
    ...(deciding === undefined ? {} : { deciding }),
    rules,
    exclusion,
    advice,
  }
  return { ...explanation, lines: describe(record, explanation) }
}

function explainRule(
  rule: ExplainedRule,
  record: ExplainedRecord,
  origin: RuleOrigin | undefined,
  known: { readonly file: string; readonly line: number; readonly operator: string } | undefined,
): RuleExplanation {
  const place = origin?.file === undefined ? known : origin
  const phase = origin?.phase ?? phaseOf(rule)
  return {
    ...rule,
    role: roleOf(rule, record.verdict.rule ?? undefined),
    ...(phase === undefined ? {} : { phase }),
    ...(place?.file === undefined ? {} : { file: place.file }),
    ...(place?.line === undefined ? {} : { line: place.line }),
    ...(known === undefined ? {} : { operator: known.operator }),
    ...(origin?.source === undefined ? {} : { source: origin.source }),
  }
}

function roleOf(rule: ExplainedRule, deciding: number | undefined): RuleExplanation['role'] {
  if (rule.seclang_phase === 0) return 'policy'
  if (isEvaluationId(rule.id) || isSetupId(rule.id) || rule.tags.includes('portcullis/evaluation'))
    return 'bookkeeping'
  if (rule.id === deciding) return 'scoring'
  const judged = rule.severity !== null && rule.severity !== undefined && !rule.variable.startsWith('TX:')
  return judged ? 'scoring' : 'bookkeeping'
}

/** Ids of our own packs tell their phase: 9,600,000 + number × 1,000. */
function phaseOf(rule: ExplainedRule): PhaseName | undefined {
  if (rule.id < OWN_RULE_IDS || rule.id >= OWN_RULE_IDS_END) return undefined
  return PHASE_NAMES.find((name) => phaseNumber(name) === Math.floor((rule.id - OWN_RULE_IDS) / 1000))
}

function exclusionOf(record: ExplainedRecord, rules: readonly RuleExplanation[], advice: string[]): string {
  const { verdict } = record
  const guards = rules.filter(({ id }) => isEvaluationId(id)).map(({ id }) => id)
  // A phase objected when its evaluation rule matched; in mode detect several may have.
  const phases = new Set<string | undefined>(
    rules.filter(({ id }) => guards.includes(id) && !onlyReports(id)).map(({ phase }) => phase),
  )
  if (typeof verdict.phase === 'string') phases.add(verdict.phase)
  const targets: ExcludedTarget[] = rules
    .filter(
      ({ role, phase, id }) =>
        role === 'scoring' && (phase === undefined || phases.has(phase) || id === verdict.rule),
    )
    .filter(({ phase }) => phase !== 'request')
    .map(({ id, variable }) => ({ rule: id, variable }))
  if (targets.length === 0) {
    advice.push(adviceFor(verdict))
    return ''
  }
  const scope = { method: record.request.method, path: splitTarget(record.request.uri).path }
  let written: Exclusion
  try {
    written = writeExclusion(scope, targets, `lets through what request ${record.request_id} was refused for`)
  } catch (error) {
    if (!(error instanceof DetectorError)) throw error
    advice.push(error.message)
    return ''
  }
  advice.push(
    'First make sure that the request is harmless: the exclusion lets this attack through on this path too.',
  )
  advice.push('Save it in a file of its own and name the file in `detection.exclusions`.')
  advice.push(...written.warnings.map((warning) => `Wider than one variable: ${warning}.`))
  if (verdict.mode === 'block')
    advice.push('Phases that come later did not judge this request and may object next.')
  if (guards.length > 0) {
    advice.push(
      `Never exclude ${guards.join(', ')}: without it a whole rule set does nothing, on every path.`,
    )
  }
  return written.seclang
}

/** Evaluation rules that refuse nothing: sums of signs, and the last lines of the Core Rule Set. */
function onlyReports(id: number): boolean {
  return id % 1000 === 890 || Math.floor(id / 1000) === 980
}

function adviceFor(verdict: ExplainedRecord['verdict']): string {
  switch (verdict.phase ?? undefined) {
    case undefined:
      return 'Nothing objected to this request.'
    case 'malformed':
      return 'A malformed request is refused whatever the rules say: the client has to send it right.'
    case 'request':
      return 'A limit or an unreadable body refused it: see `detection.limits`, and the type that the client declares.'
    case 'ip_allow':
    case 'url_allow':
      return 'It was trusted and not judged.'
    default:
      return `The policy of the phase refused it, no rule: see \`detection.phases.${verdict.phase ?? ''}\`.`
  }
}

function describe(record: ExplainedRecord, explanation: Omit<Explanation, 'lines'>): readonly string[] {
  const { request, verdict } = record
  const lines = [
    `request   ${record.request_id}${record.time === undefined ? '' : `  ${record.time}`}`,
    `          ${request.method} ${request.uri}`,
    `host      ${request.host}`,
    `client    ${record.client}`,
    `verdict   ${verdict.action}${verdict.status > 0 ? ` ${verdict.status}` : ''}, mode ${verdict.mode}, score ${verdict.score}`,
    `phase     ${verdict.phase ?? 'none'}${typeof verdict.rule === 'number' ? `, rule ${verdict.rule}` : ''}`,
    `reason    ${explanation.reason}`,
  ]
  if (verdict.truncated.length > 0)
    lines.push(`unjudged  a part, by the limit ${verdict.truncated.join(', ')}`)
  for (const rule of explanation.rules) {
    const where =
      rule.file === undefined ? '' : `  ${rule.file}${rule.line === undefined ? '' : `:${rule.line}`}`
    lines.push('', `rule      ${rule.id} (${rule.role})${where}`, `says      ${rule.msg}`)
    if (rule.variable !== '') lines.push(`variable  ${rule.variable}`, `sample    ${rule.sample}`)
    if (rule.source !== undefined) lines.push(`stands    ${rule.source.map(describeSpan).join(', ')}`)
    if (rule.data !== '') lines.push(`data      ${rule.data}`)
  }
  lines.push('', ...explanation.advice)
  if (explanation.exclusion !== '') lines.push('', ...explanation.exclusion.trimEnd().split('\n'))
  return lines.map(printable)
}

function describeSpan({ part, header, offset, length }: RequestSpan): string {
  const where = part === 'line' ? 'request line' : part === 'header' ? `header ${(header ?? 0) + 1}` : 'body'
  return `${where}, byte ${offset}, length ${length}`
}

/** What a client sent must not move the cursor of who reads it. */
function printable(line: string): string {
  return line.replace(/[^\x20-\x7e]/g, (c) => {
    const code = c.charCodeAt(0)
    return code < 0x100
      ? `\\x${code.toString(16).padStart(2, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`
  })
}
