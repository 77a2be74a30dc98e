import type { RequestSpan } from '../detectors/verdict.js'
import type { RecordedRule, RuleOrigin, VerdictRecord } from './verdict-record.js'

/**
 * A record written out, with the facts that are counted of it: what hands it from thread to thread, keeps it and tells of it
 * needs no more, and nothing of it is written twice.
 */
export interface WrittenRecord {
  readonly id: string
  /** Milliseconds since the Unix epoch. */
  readonly time: number
  readonly site: string
  readonly client: string
  readonly verdict: VerdictRecord['verdict']
  /** Ids of the rules that matched. */
  readonly rules: readonly number[]
  /** Its line in the audit log, without the line end: a JSON object with the first members of the record. */
  readonly line: string
  /** The other members of the record, as JSON without the opening brace. */
  readonly rest: string
}

/** Texts of rules kept at most; more rules than that begin anew. */
const MAX_KEPT = 20_000
/** Longer texts are quicker left to JSON, and not kept. */
const SHORT = 256

/** What hardly ever differs from one match of a rule to the next, as JSON. */
interface RuleText {
  readonly of: RecordedRule
  /** The members before its data, without the closing brace. */
  readonly head: string
  /** The members behind its sample, without the opening brace. */
  readonly tail: string
}

const ruleTexts = new Map<number, RuleText>()

const textOf = (rule: RecordedRule): RuleText => {
  const known = ruleTexts.get(rule.id)
  if (known !== undefined && sameRule(known.of, rule)) return known
  const { id, seclang_phase, severity, msg, tags } = rule
  const text = {
    of: { ...rule, data: '', variable: '', sample: '' },
    head: JSON.stringify({ id, seclang_phase, severity, msg }).slice(0, -1),
    tail: JSON.stringify({ tags }).slice(1),
  }
  if (msg.length > SHORT) return text
  if (ruleTexts.size >= MAX_KEPT) ruleTexts.clear()
  ruleTexts.set(id, text)
  return text
}

const sameRule = (one: RecordedRule, other: RecordedRule): boolean =>
  one.msg === other.msg &&
  one.severity === other.severity &&
  one.seclang_phase === other.seclang_phase &&
  (one.tags === other.tags ||
    (one.tags.length === other.tags.length && one.tags.every((tag, index) => tag === other.tags[index])))

/** Names of files of rules in JSON: a few dozen, each in every match of its rules. */
const fileTexts = new Map<string, string>()

const fileText = (file: string): string => {
  const known = fileTexts.get(file)
  if (known !== undefined) return known
  const text = quote(file)
  if (fileTexts.size >= MAX_KEPT) fileTexts.clear()
  fileTexts.set(file, text)
  return text
}

/** Neither control characters, quotes, backslashes nor surrogates, which JSON may escape. */
const PLAIN = /^[ !#-[\]-\ud7ff\ue000-\uffff]*$/

/** A string in JSON. Most hold nothing that has to be escaped. */
const quote = (text: string): string =>
  text.length <= SHORT && PLAIN.test(text) ? `"${text}"` : JSON.stringify(text)

const ruleText = (rule: RecordedRule): string => {
  const { head, tail } = textOf(rule)
  return `${head},"data":${quote(rule.data)},"variable":${quote(rule.variable)},"sample":${quote(rule.sample)},${tail}`
}

const spanText = ({ part, offset, length, header }: RequestSpan): string =>
  `{"part":"${part}","offset":${offset},"length":${length}${header === undefined ? '' : `,"header":${header}`}}`

const originText = ({ phase, file, line, source }: RuleOrigin): string => {
  let text = `{"phase":"${phase}"`
  if (file !== undefined) text += `,"file":${fileText(file)}`
  if (line !== undefined) text += `,"line":${line}`
  if (source !== undefined) text += `,"source":[${source.map(spanText).join()}]`
  return `${text}}`
}

const requestText = ({ method, uri, host }: VerdictRecord['request']): string =>
  `{"method":${quote(method)},"uri":${quote(uri)},"host":${quote(host)}}`

/** The same text that JSON makes of the record, in less time: most of it is the same for every match of a rule. */
export const writeRecord = (record: VerdictRecord, time: number): WrittenRecord => {
  const { time: date, request_id, client_request_id, client, request, verdict, rules, site } = record
  const ownId = client_request_id === undefined ? '' : `,"client_request_id":${quote(client_request_id)}`
  return {
    id: request_id,
    time,
    site,
    client,
    verdict,
    rules: rules.map(({ id }) => id),
    line:
      `{"time":"${date}","request_id":"${request_id}"${ownId},"client":${quote(client)},` +
      `"request":${requestText(request)},"verdict":${JSON.stringify(verdict)},"rules":[${rules.map(ruleText).join()}]}`,
    rest:
      `"site":${quote(site)},"reason":${quote(record.reason)},"response_status":${record.response_status},` +
      `"origins":[${record.origins.map(originText).join()}]}`,
  }
}

/** The whole record as JSON: what the verdict store keeps and the ledger commits to. */
export const recordText = ({ line, rest }: WrittenRecord): string => `${line.slice(0, -1)},${rest}`

export const readRecord = (text: string): VerdictRecord => JSON.parse(text) as VerdictRecord
