import { isFound, type FileResult, type FileVerdict } from '../../scanner/verdict.js'

/** Rows of a report; a folder in which everything is found must not fill memory. What is left out is counted. */
const MAX_ROWS = 5000
const MAX_SLOWEST = 10

/** What a report page shows of a scan. */
export interface ReportData {
  readonly paths: readonly string[]
  readonly started: Date
  readonly seconds: number
  readonly counts: Readonly<Record<FileVerdict, number>>
  /** Bytes that were judged. */
  readonly bytes: number
  /** Found files and errors, found ones first. */
  readonly rows: readonly FileResult[]
  /** Found files and errors that had no room. */
  readonly leftOut: number
  /** How many files met each rule, limit and error. */
  readonly rules: ReadonlyMap<string, number>
  readonly slowest: readonly FileResult[]
}

/** Gathers what a report needs while a scan runs, in bounded memory. */
export class ReportBuilder {
  readonly #started = new Date()
  readonly #start = performance.now()
  readonly #counts: Record<FileVerdict, number> = {
    malicious: 0,
    suspicious: 0,
    error: 0,
    skipped: 0,
    clean: 0,
  }
  readonly #found: FileResult[] = []
  readonly #errors: FileResult[] = []
  readonly #rules = new Map<string, number>()
  #slowest: FileResult[] = []
  #bytes = 0
  #leftOut = 0

  constructor(readonly paths: readonly string[]) {}

  add(result: FileResult): void {
    this.#counts[result.verdict]++
    this.#bytes += result.sha256 === undefined ? 0 : (result.size ?? 0)
    for (const name of new Set(result.reasons.map(({ engine, rule }) => `${engine}: ${rule}`)))
      if (this.#rules.has(name) || this.#rules.size < MAX_ROWS)
        this.#rules.set(name, (this.#rules.get(name) ?? 0) + 1)
    if (result.ms > (this.#slowest[MAX_SLOWEST - 1]?.ms ?? 0))
      this.#slowest = [...this.#slowest, result].sort((a, b) => b.ms - a.ms).slice(0, MAX_SLOWEST)
    if (isFound(result.verdict)) this.#keep(this.#found, result)
    else if (result.verdict === 'error') this.#keep(this.#errors, result)
  }

  finish(): ReportData {
    return {
      paths: this.paths,
      started: this.#started,
      seconds: (performance.now() - this.#start) / 1000,
      counts: this.#counts,
      bytes: this.#bytes,
      rows: [...this.#found, ...this.#errors],
      leftOut: this.#leftOut,
      rules: this.#rules,
      slowest: this.#slowest,
    }
  }

  #keep(list: FileResult[], result: FileResult): void {
    if (list.length < MAX_ROWS) list.push(result)
    else this.#leftOut++
  }
}
