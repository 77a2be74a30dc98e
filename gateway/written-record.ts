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

/** JSON of the tags of a rule, which hardly ever differ from one match to the next. */
const tagTexts = new Map<number, { readonly tags: readonly string[]; readonly text: string }>()

const tagText = ({ id, tags }: RecordedRule): string => {
  const known = tagTexts.get(id)
  if (known !== undefined && sameTags(known.tags, tags)) return known.text
  const text = JSON.stringify(tags)
  if (tagTexts.size >= MAX_KEPT) tagTexts.clear()
  tagTexts.set(id, { tags, text })
  return text
}

const sameTags = (one: readonly string[], other: readonly string[]): boolean =>
  one === other || (one.length === other.length && one.every((tag, index) => tag === other[index]))

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

/** Longer texts are quicker left to JSON. */
const SHORT = 256

/** A string in JSON. Most hold nothing that has to be escaped. */
const quote = (text: string): string => {
  if (text.length > SHORT) return JSON.stringify(text)
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 0x20 || code === 0x22 || code === 0x5c || code >= 0xd800) return JSON.stringify(text)
  }
  return `"${text}"`
}

const ruleText = (rule: RecordedRule): string =>
  `{"id":${rule.id},"seclang_phase":${rule.seclang_phase},"severity":${rule.severity},"msg":${quote(rule.msg)},` +
  `"data":${quote(rule.data)},"variable":${quote(rule.variable)},"sample":${quote(rule.sample)},"tags":${tagText(rule)}}`

const spanText = ({ part, offset, length, header }: RequestSpan): string =>
  `{"part":"${part}","offset":${offset},"length":${length}${header === undefined ? '' : `,"header":${header}`}}`

const originText = ({ phase, file, line, source }: RuleOrigin): string => {
  let text = `{"phase":"${phase}"`
  if (file !== undefined) text += `,"file":${fileText(file)}`
  if (line !== undefined) text += `,"line":${line}`
  if (source !== undefined) text += `,"source":[${source.map(spanText).join()}]`
  return `${text}}`
}

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
      `"request":${JSON.stringify(request)},"verdict":${JSON.stringify(verdict)},"rules":[${rules.map(ruleText).join()}]}`,
    rest:
      `"site":${quote(site)},"reason":${quote(record.reason)},"response_status":${record.response_status},` +
      `"origins":[${record.origins.map(originText).join()}]}`,
  }
}

/** The whole record as JSON: what the verdict store keeps and the ledger commits to. */
export const recordText = ({ line, rest }: WrittenRecord): string => `${line.slice(0, -1)},${rest}`

export const readRecord = (text: string): VerdictRecord => JSON.parse(text) as VerdictRecord
