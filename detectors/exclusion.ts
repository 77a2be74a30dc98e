import { DetectorError } from './errors.js'
import { percentDecodePath } from './transaction/percent.js'
import { isEvaluationId } from './verdict-rule.js'

/** One thing to leave out: what a rule sees in one variable, on one path and method. */
export interface ExcludedTarget {
  readonly rule: number
  /** As the match named it, `ARGS:id`; empty for a rule without a target. */
  readonly variable: string
}

export interface ExclusionScope {
  readonly method: string
  /** As sent: not decoded, without the query. */
  readonly path: string
}

export interface Exclusion {
  /** SecLang, to be loaded before the rules that it speaks of (`detection.exclusions`). */
  readonly seclang: string
  /** Where it is wider than one variable, and why. */
  readonly warnings: readonly string[]
}

/** Ids of generated exclusions: a part of our own range that no pack uses. */
export const EXCLUSION_IDS = { from: 9_650_000, to: 9_699_999 } as const

const PLAIN_KEY = /^[A-Za-z0-9_][A-Za-z0-9_.[\]-]{0,199}$/
const PLAIN_PATH = /^\/[A-Za-z0-9._~/-]{0,1000}$/
const PLAIN_METHOD = /^[A-Za-z]{1,32}$/
const XML_KEY = /^[/@*A-Za-z0-9_.:-]{1,200}$/
/** Longest name or path that is written out; a longer one is cut to a pattern of its beginning. */
const MAX_EXACT = 500
/** How masking shows a hidden part of a path. */
const HIDDEN = '***'

/**
 * Writes the narrowest exclusion: on this path and method only, each rule is kept from looking at the one variable in
 * which it matched; everything else is still judged. Names and paths come from a client and may hold anything: whatever
 * is not plain is written as a pattern in hexadecimal escapes, so that nothing can end the rule or begin another.
 *
 * Throws `DETECTOR_EXCLUSION_REFUSED` for an evaluation rule (949110, 959100, our own x900): it judges no variable of
 * the request, and without it the whole rule set does nothing.
 */
export function writeExclusion(
  scope: ExclusionScope,
  targets: readonly ExcludedTarget[],
  comment = '',
): Exclusion {
  const warnings: string[] = []
  const removals = new Set<string>()
  for (const { rule, variable } of targets) {
    if (isEvaluationId(rule)) {
      const why = 'it only adds up what other rules found; excluding it would switch a whole rule set off'
      throw new DetectorError('DETECTOR_EXCLUSION_REFUSED', `rule ${rule} cannot be excluded: ${why}`)
    }
    const target = targetOf(variable)
    if (target === undefined) {
      removals.add(`ctl:ruleRemoveById=${rule}`)
      const what =
        variable === '' ? 'matched without a variable' : 'matched in a variable that cannot be named alone'
      warnings.push(`rule ${rule} ${what}: it is switched off for this path and method`)
    } else removals.add(`ctl:ruleRemoveTargetById=${rule};${target}`)
  }
  const path = pathCondition(scope.path, warnings)
  const method = PLAIN_METHOD.test(scope.method)
    ? `@streq ${scope.method}`
    : `@rx \\A${escapeAll(scope.method)}\\z`
  const id = exclusionId([path, method, ...removals].join('\n'))
  const seclang = [
    ...(comment === '' ? [] : [`# ${comment.replace(/[^\x20-\x7e]|\\/g, '?')}`]),
    `SecRule REQUEST_FILENAME "${path}" \\`,
    `    "id:${id},phase:1,pass,nolog,t:none,chain"`,
    `    SecRule REQUEST_METHOD "${method}" \\`,
    `        "${['t:none', ...removals].join(',\\\n        ')}"`,
    '',
  ].join('\n')
  return { seclang, warnings }
}

/** The variable as an exclusion names it; undefined when it cannot be told apart from others. */
function targetOf(variable: string): string | undefined {
  const colon = variable.indexOf(':')
  const collection = colon === -1 ? variable : variable.slice(0, colon)
  if (!/^[A-Z_]{2,40}$/.test(collection) || collection === 'TX') return undefined
  if (colon === -1) return collection
  const key = variable.slice(colon + 1)
  if (collection === 'XML') return XML_KEY.test(key) ? variable : undefined
  if (PLAIN_KEY.test(key)) return variable
  if (isCut(key)) return undefined
  return key.length > MAX_EXACT ? undefined : `${collection}:/\\A${escapeAll(key)}\\z/`
}

/** REQUEST_FILENAME is the decoded path, so the condition is too: it holds for every spelling of this path. */
function pathCondition(sent: string, warnings: string[]): string {
  if (isCut(sent) || sent.length > MAX_EXACT) {
    warnings.push('the path is too long to be written out: the exclusion is for all that begin like it')
    const beginning = sent.replace(/….*$/s, '').slice(0, MAX_EXACT)
    return `@rx \\A${escapeAll(percentDecodePath(beginning.replace(/%.?$/, '')))}`
  }
  if (sent.includes(HIDDEN)) {
    warnings.push('a secret in the path was masked: the exclusion is for any text in its segment')
    const segments = sent
      .split('/')
      .map((part) => (part.includes(HIDDEN) ? '[^/]{1,1000}' : escapeAll(percentDecodePath(part))))
    return `@rx \\A${segments.join('/')}\\z`
  }
  const path = percentDecodePath(sent)
  return PLAIN_PATH.test(path) ? `@streq ${path}` : `@rx \\A${escapeAll(path)}\\z`
}

/** Whether a record holds the beginning of a text only. */
function isCut(text: string): boolean {
  return text.includes('…')
}

/** A byte string as a pattern that stands for itself in any quoting. */
function escapeAll(text: string): string {
  return text.replace(
    /[^A-Za-z0-9_-]/g,
    (c) => `\\x${(c.charCodeAt(0) & 0xff).toString(16).padStart(2, '0')}`,
  )
}

/** The same exclusion gets the same id; FNV-1a, because nothing depends on it but that. */
function exclusionId(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return EXCLUSION_IDS.from + ((hash >>> 0) % (EXCLUSION_IDS.to - EXCLUSION_IDS.from + 1))
}
