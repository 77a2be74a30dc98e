import { maskSecrets } from './mask-secrets.js'
import { percentDecode } from './transaction/percent.js'
import type { RuleMatch } from './verdict.js'

/** `secrets` hides what could be used against the person who sent it; `none` writes everything as it came. */
export type MaskMode = 'secrets' | 'none'

/** What is written of one value at most; the rest is counted. */
const SAMPLE_LIMIT = 1024
const HIDDEN = '***'

const SENSITIVE_NAME =
  /pass(?:word|wd|phrase|code)?|pwd|secret|token|api[-_.]?key|access[-_.]?key|private[-_.]?key|auth|session|(?:^|[-_.])sid$|csrf|xsrf|credential|jwt|(?:^|[-_.])(?:otp|pin|cvv|cvc|ssn|iban)$|card[-_.]?n|signature|cookie/i

/** Words that tell an attack by its shape; they stay readable inside a hidden value. */
const KEPT_WORDS = new Set(
  (
    'select union all from where and or not null insert into update delete drop table order by group having sleep ' +
    'benchmark waitfor delay information schema concat char exec cast script img svg iframe onerror onload alert ' +
    'javascript src href etc passwd cat ls id whoami bin sh bash curl wget php eval system http https file ' +
    'matched data found within args names request cookies headers in'
  ).split(' '),
)

/** Whether values under this name (`ARGS:password`, `REQUEST_HEADERS:Authorization`, any cookie) are secrets by themselves. */
export function isSensitiveVariable(variable: string): boolean {
  const colon = variable.indexOf(':')
  const collection = colon === -1 ? variable : variable.slice(0, colon)
  if (collection === 'REQUEST_COOKIES') return true
  return colon !== -1 && isSensitiveName(variable.slice(colon + 1))
}

/** Whether a parameter, header or JSON key of this name holds a secret. */
export function isSensitiveName(name: string): boolean {
  return SENSITIVE_NAME.test(name.length > 256 ? name.slice(-256) : name)
}

/**
 * A value as it may be written: cut at 1,024 characters (the rest is counted), and in mode `secrets` without secrets. A
 * value whose variable is sensitive keeps its punctuation and the words of attacks, so that `x' OR 1=1` stays
 * recognisable. Linear in the length of the value.
 */
export function maskSample(variable: string, value: string, mode: MaskMode): string {
  if (mode === 'none') return value
  const { head, rest } = cut(value)
  return (isSensitiveVariable(variable) ? outline(head) : maskSecrets(head)) + rest
}

/** A request target as it may be written: values of sensitive query parameters and user information are hidden. */
export function maskUri(uri: string, mode: MaskMode): string {
  if (mode === 'none') return uri
  const { head, rest } = cut(uri)
  const question = head.indexOf('?')
  if (question === -1) return maskSecrets(head) + rest
  const query = head
    .slice(question + 1)
    .split('&')
    .map((pair) => {
      const equals = pair.indexOf('=')
      if (equals === -1) return maskSecrets(pair)
      const name = pair.slice(0, equals)
      return `${name}=${isSensitiveName(percentDecode(name).text) ? HIDDEN : maskSecrets(pair.slice(equals + 1))}`
    })
  return `${maskSecrets(head.slice(0, question))}?${query.join('&')}${rest}`
}

/** A match as it may be written to a log, an event or the ledger. */
export function maskMatch(match: RuleMatch, mode: MaskMode): RuleMatch {
  return mode === 'none' ? match : hideIn(match, isSensitiveVariable(match.variable))
}

/** {@link maskMatch} of the matches of one transaction, several of which are often of the same value. */
export function maskMatches(matches: readonly RuleMatch[], mode: MaskMode): readonly RuleMatch[] {
  if (mode === 'none') return matches
  let before: RuleMatch | undefined
  let shown: RuleMatch | undefined
  let sensitive = false
  return matches.map((match) => {
    const sameVariable = before?.variable === match.variable
    if (!sameVariable) sensitive = isSensitiveVariable(match.variable)
    const masked = hideIn(
      match,
      sensitive,
      sameVariable && before?.sample === match.sample ? shown?.sample : undefined,
    )
    before = match
    shown = masked
    return masked
  })
}

/** @param sample as it may be written, when it is known already */
function hideIn(match: RuleMatch, sensitive: boolean, sample?: string): RuleMatch {
  const data = cut(match.data)
  // A message is the rule's own text, but it may quote the value.
  const shown = cut(
    sensitive && match.sample.length > 3 ? match.msg.split(match.sample).join(HIDDEN) : match.msg,
  )
  return {
    ...match,
    msg: maskSecrets(shown.head) + shown.rest,
    data: (sensitive ? outline(data.head) : maskSecrets(data.head)) + data.rest,
    sample: sample ?? maskSample(match.variable, match.sample, 'secrets'),
  }
}

function cut(text: string): { head: string; rest: string } {
  if (text.length <= SAMPLE_LIMIT) return { head: text, rest: '' }
  return { head: text.slice(0, SAMPLE_LIMIT), rest: `… (${text.length - SAMPLE_LIMIT} more)` }
}

/** Keeps punctuation and known words, hides every other run of letters and digits whatever its length. */
function outline(text: string): string {
  return text.replace(/[A-Za-z0-9\x80-\xff]+/g, (run) => (KEPT_WORDS.has(run.toLowerCase()) ? run : HIDDEN))
}
