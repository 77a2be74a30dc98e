import type { InspectionResult } from '../detectors/inspection.js'
import type { MaskedMatch, MaskMode } from '../detectors/mask.js'
import { maskMatch, maskMatches, maskSample, maskUri } from '../detectors/mask.js'
import type { Action, Mode, RequestSpan, RuleMatch, Verdict, VerdictPhase } from '../detectors/verdict.js'
import { finalVerdict } from './refusal.js'
import type { Transaction } from './transaction.js'

/** One rule in a record; keys are the words of the audit log, `id` first. */
export interface RecordedRule {
  readonly id: number
  readonly seclang_phase: number
  readonly severity: number | null
  readonly msg: string
  readonly data: string
  readonly variable: string
  readonly sample: string
  readonly tags: readonly string[]
}

/** Where a rule stands and where in the request it matched, for `explain`; beside the rule, so that the audit log keeps its form. */
export interface RuleOrigin {
  readonly phase: VerdictPhase
  readonly file?: string
  readonly line?: number
  readonly source?: readonly RequestSpan[]
}

/**
 * What is kept of a transaction that was not a plain allow. Values are masked as configured and the text of the request
 * is byte strings: one char per byte.
 */
export interface VerdictRecord {
  /** ISO 8601, UTC. */
  readonly time: string
  readonly request_id: string
  readonly client_request_id?: string
  readonly client: string
  readonly request: { readonly method: string; readonly uri: string; readonly host: string }
  readonly verdict: {
    readonly action: Action
    readonly mode: Mode
    readonly phase: VerdictPhase | null
    readonly rule: number | null
    readonly status: number
    readonly score: number
    readonly truncated: readonly string[]
  }
  readonly rules: readonly RecordedRule[]
  readonly site: string
  readonly reason: string
  /** What the client got; 0 when it got nothing, 499 when it went away first. */
  readonly response_status: number
  /** One for each of `rules`. */
  readonly origins: readonly RuleOrigin[]
}

/** Longest text of one value in a record; a longer one is cut and the rest counted. */
const MAX_TEXT = 8 * 1024
const MAX_RULES = 1000

const cut = (text: string): string =>
  text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}… (${text.length - MAX_TEXT} more)`

const recordedRule = ({ match, msg, data, sample }: MaskedMatch): RecordedRule => ({
  id: match.id,
  seclang_phase: match.seclangPhase,
  severity: match.severity ?? null,
  msg: cut(msg),
  data: cut(data),
  variable: cut(match.variable),
  sample: cut(sample),
  tags: match.tags,
})

const originOf = ({ phase, file, line, source }: RuleMatch): RuleOrigin => {
  const origin: { -readonly [Key in keyof RuleOrigin]: RuleOrigin[Key] } = { phase }
  if (file !== undefined) origin.file = file
  if (line !== undefined) origin.line = line
  if (source !== undefined) origin.source = source
  return origin
}

/**
 * The record of a transaction, or undefined for a plain allow without a logged match.
 *
 * @param status what the client got
 */
export const verdictRecord = (
  transaction: Transaction,
  result: InspectionResult,
  status: number,
  mask: MaskMode,
): VerdictRecord | undefined => {
  const verdict = finalVerdict(result.verdict, transaction.refusal)
  if (verdict.action === 'allow' && !result.matches.some(({ logged }) => logged)) return undefined
  const logged = result.matches.filter((match) => match.logged)
  if (logged.length > MAX_RULES) logged.length = MAX_RULES
  const shown = maskMatches(logged, mask)
  return {
    time: new Date(transaction.startedAt).toISOString(),
    request_id: transaction.requestId,
    ...(transaction.clientRequestId === undefined ? {} : { client_request_id: transaction.clientRequestId }),
    client: transaction.client,
    request: {
      method: transaction.method,
      uri: cut(maskUri(transaction.target, mask)),
      host: cut(transaction.authority),
    },
    verdict: {
      action: verdict.action,
      mode: verdict.mode,
      phase: verdict.phase ?? null,
      rule: verdict.rule ?? null,
      status: verdict.status,
      score: verdict.score,
      truncated: verdict.truncated,
    },
    rules: shown.map(recordedRule),
    site: transaction.site.name,
    reason: cut(maskedReason(verdict, result.matches, shown, mask)),
    response_status: status,
    origins: logged.map(originOf),
  }
}

/** The reason is mostly the message of the deciding rule, which may quote a value. */
const maskedReason = (
  { reason, rule }: Verdict,
  matches: readonly RuleMatch[],
  shown: readonly MaskedMatch[],
  mask: MaskMode,
): string => {
  const decides = ({ id, msg }: RuleMatch): boolean => id === rule && msg === reason
  const masked = shown.find(({ match }) => decides(match))
  if (masked !== undefined) return masked.msg
  const unlogged = matches.find(decides)
  return unlogged === undefined ? maskSample('', reason, mask) : maskMatch(unlogged, mask).msg
}
