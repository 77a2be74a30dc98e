import type { SecurityVerdictEvent, Severity } from '../runtime/events.js'
import { uuidv7 } from '../runtime/uuid.js'
import type { VerdictRecord } from './verdict-record.js'
import type { WrittenRecord } from './written-record.js'
import { readRecord, recordText } from './written-record.js'

const WINDOW_MS = 1000
/** Events of one window that are told each by itself. */
const MAX_SINGLE = 200
/** Groups of one window that are told apart by their client; those beyond are told without. */
const MAX_CLIENTS = 500
/** Groups of one window in all. */
const MAX_GROUPS = 2000

interface Group {
  readonly first: WrittenRecord
  readonly client: string
  count: number
}

/**
 * Makes events of verdicts, so that a flood becomes a bounded number of them with exact counts: the first 200 of a second
 * are told one by one, the others as one event for all of the same client, site, phase, rule, action and mode. Beyond 500
 * such groups clients are no longer told apart, and beyond 2,000 the verdicts are lost to whoever counts events, and counted
 * as lost.
 */
export class VerdictEvents {
  readonly #publish: (event: SecurityVerdictEvent) => void
  readonly #lost: (count: number) => void
  readonly #groups = new Map<string, Group>()
  #single = 0
  #timer: NodeJS.Timeout | undefined

  constructor(publish: (event: SecurityVerdictEvent) => void, lost: (count: number) => void) {
    this.#publish = publish
    this.#lost = lost
  }

  /**
   * @param entry id of its ledger entry
   * @returns whether it is told by itself
   */
  add(written: WrittenRecord, entry: string | undefined): boolean {
    this.#timer ??= setTimeout(() => this.flush(), WINDOW_MS).unref()
    if (this.#single < MAX_SINGLE) {
      this.#single++
      this.#publish(verdictEvent(written, written.client, 1, entry))
      return true
    }
    const { site, verdict } = written
    const matter = `${site}\n${verdict.phase}\n${verdict.rule}\n${verdict.action}\n${verdict.mode}`
    if (!this.#count(written, `${matter}\n${written.client}`, written.client, MAX_CLIENTS))
      if (!this.#count(written, matter, '', MAX_GROUPS)) this.#lost(1)
    return false
  }

  /** Tells what was gathered so far. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#single = 0
    for (const { first, client, count } of this.#groups.values())
      this.#publish(verdictEvent(first, client, count, undefined))
    this.#groups.clear()
  }

  #count(written: WrittenRecord, key: string, client: string, max: number): boolean {
    const known = this.#groups.get(key)
    if (known !== undefined) known.count++
    else if (this.#groups.size < max) this.#groups.set(key, { first: written, client, count: 1 })
    else return false
    return true
  }
}

/** SecLang severities: 0 emergency, 1 alert, 2 critical, 3 error, 4 warning, 5 notice, 6 info, 7 debug. */
const severityOf = (record: VerdictRecord): Severity => {
  const deciding = record.rules.find((rule) => rule.id === record.verdict.rule)?.severity
  const severity = deciding ?? Math.min(...record.rules.map((rule) => rule.severity ?? 4))
  if (severity <= 1) return 'critical'
  if (severity === 2) return 'high'
  if (severity === 3) return 'medium'
  return severity === Infinity || severity === 4 ? 'low' : 'info'
}

const verdictEvent = (
  written: WrittenRecord,
  client: string,
  count: number,
  entry: string | undefined,
): SecurityVerdictEvent => {
  const record = readRecord(recordText(written))
  const { verdict, request } = record
  const deciding = record.rules.find((rule) => rule.id === verdict.rule) ?? record.rules[0]
  return {
    id: uuidv7(written.time),
    time: written.time,
    severity: severityOf(record),
    ...(entry === undefined ? {} : { entry }),
    type: 'security.verdict',
    data: {
      request_id: record.request_id,
      site: record.site,
      client,
      method: request.method,
      host: request.host,
      path: request.uri.replace(/[?#].*$/s, ''),
      action: verdict.action,
      mode: verdict.mode,
      phase: verdict.phase ?? '',
      ...(verdict.rule === null ? {} : { rule: verdict.rule }),
      msg: deciding?.msg ?? record.reason,
      ...(deciding === undefined ? {} : { variable: deciding.variable, sample: deciding.sample }),
      status: verdict.status,
      score: verdict.score,
      rules: written.rules,
      ...(count === 1 ? {} : { count }),
    },
  }
}
