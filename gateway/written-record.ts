import type { VerdictRecord } from './verdict-record.js'

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

export const writeRecord = (record: VerdictRecord, time: number): WrittenRecord => {
  const { site, reason, response_status, origins, ...line } = record
  return {
    id: record.request_id,
    time,
    site,
    client: record.client,
    verdict: record.verdict,
    rules: record.rules.map(({ id }) => id),
    line: JSON.stringify(line),
    rest: JSON.stringify({ site, reason, response_status, origins }).slice(1),
  }
}

/** The whole record as JSON: what the verdict store keeps and the ledger commits to. */
export const recordText = ({ line, rest }: WrittenRecord): string => `${line.slice(0, -1)},${rest}`

export const readRecord = (text: string): VerdictRecord => JSON.parse(text) as VerdictRecord
