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
  return shortened(value, isSensitiveVariable(variable) ? outline : maskSecrets)
}

/** A request target as it may be written: values of sensitive query parameters and user information are hidden. */
export function maskUri(uri: string, mode: MaskMode): string {
  return mode === 'none' ? uri : shortened(uri, hideInUri)
}

function hideInUri(uri: string): string {
  const question = uri.indexOf('?')
  if (question === -1) return maskSecrets(uri)
  const query = uri
    .slice(question + 1)
    .split('&')
    .map((pair) => {
      const equals = pair.indexOf('=')
      if (equals === -1) return maskSecrets(pair)
      const name = pair.slice(0, equals)
      return `${name}=${isSensitiveName(percentDecode(name).text) ? HIDDEN : maskSecrets(pair.slice(equals + 1))}`
    })
  return `${maskSecrets(uri.slice(0, question))}?${query.join('&')}`
}

/** A match with those of its texts that hold what a client sent as they may be written. */
export interface MaskedMatch {
  readonly match: RuleMatch
  readonly msg: string
  readonly data: string
  readonly sample: string
}

/** A match as it may be written to a log, an event or the ledger. */
export function maskMatch(match: RuleMatch, mode: MaskMode): RuleMatch {
  if (mode === 'none') return match
  const { msg, data, sample } = hideIn(match, isSensitiveVariable(match.variable))
  return { ...match, msg, data, sample }
}

/** {@link maskMatch} of the matches of one transaction, several of which are often of the same value. */
export function maskMatches(matches: readonly RuleMatch[], mode: MaskMode): readonly MaskedMatch[] {
  if (mode === 'none')
    return matches.map((match) => ({ match, msg: match.msg, data: match.data, sample: match.sample }))
  let before: MaskedMatch | undefined
  let sensitive = false
  return matches.map((match) => {
    const sameVariable = before?.match.variable === match.variable
    if (!sameVariable) sensitive = isSensitiveVariable(match.variable)
    const known = sameVariable && before?.match.sample === match.sample ? before.sample : undefined
    before = hideIn(match, sensitive, known)
    return before
  })
}

/** @param known the sample as it may be written, when that was found out already */
function hideIn(match: RuleMatch, sensitive: boolean, known?: string): MaskedMatch {
  const { msg, data, sample } = match
  const hide = sensitive ? outline : maskSecrets
  // A message is the rule's own text, but it may quote the value.
  const quoted = sensitive && sample.length > 3 ? msg.split(sample).join(HIDDEN) : msg
  return {
    match,
    msg: shortened(quoted, maskSecrets),
    data: shortened(data, hide),
    sample: known ?? shortened(sample, hide),
  }
}

/** What is written of a text, hidden where it has to be; the rest is counted. */
function shortened(text: string, hide: (head: string) => string): string {
  if (text.length <= SAMPLE_LIMIT) return hide(text)
  return `${hide(text.slice(0, SAMPLE_LIMIT))}… (${text.length - SAMPLE_LIMIT} more)`
}

/** Keeps punctuation and known words, hides every other run of letters and digits whatever its length. */
function outline(text: string): string {
  return text.replace(/[A-Za-z0-9\x80-\xff]+/g, (run) => (KEPT_WORDS.has(run.toLowerCase()) ? run : HIDDEN))
}
