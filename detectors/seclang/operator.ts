import type { Requirement } from './prefilter/index.js'
import type { GeoReader, RuleFiles } from '../ports.js'

/** Where a rule stands; every load error names it. */
export interface SourcePosition {
  readonly file: string
  readonly line: number
}

/** What an operator may use while rules are loaded. */
export interface OperatorLoadContext {
  readonly position: SourcePosition
  /** Folder that relative data files (`@pmFromFile`) are looked up in. */
  readonly directory: string
  readonly files: RuleFiles
}

/** What an operator may use while a value is judged. */
export interface OperatorRun {
  /** True when the rule has the `capture` action: the operator then reports groups through `setCapture`. */
  readonly capturing: boolean
  /** Stores group `index` (0 to 9, 0 being the whole match) for `TX:index`. */
  setCapture(index: number, text: string): void
  /** True when the operator shall report where it found something, through `matchedAt`. */
  readonly locating: boolean
  /** Says where in the value the match stands, then each group that took part; bytes. */
  matchedAt(offset: number, length: number): void
  /** Expands macros; only called for arguments that hold some. */
  expand(template: string): string
  /** A limit kept the operator from seeing all of the value: it shows on the verdict under this name. */
  truncate(limit: string): void
  readonly geo?: GeoReader
  /** Stores the record that `@geoLookup` found, for `GEO:*`. */
  setGeo(record: ReadonlyMap<string, string>): void
}

/** Judges one value (a byte string). Pure but for what it reports through `run`. */
export interface Operator {
  (value: string, run: OperatorRun): boolean
  /** What must stand in a value for the answer to be true. For all other values it is false and nothing is reported; absent: nothing is known. */
  readonly requires?: Requirement
}

/** The operator, with what it requires. */
export function requiring(requires: Requirement, judge: Operator): Operator {
  return Object.assign(judge, { requires })
}

/**
 * Makes an operator from its argument as written in the rule (macros not expanded). Throws `SecLangError` for an argument that it
 * cannot honour.
 */
export type OperatorFactory = (argument: string, context: OperatorLoadContext) => Operator
