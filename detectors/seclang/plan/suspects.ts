import { maskOf } from '../prefilter/index.js'
import type { TransactionState } from '../state.js'
import { MAX_CACHED_CHARACTERS } from '../transformation-chain.js'
import type { Readers } from './readers.js'
import { probe } from './probe.js'
import type { RuleFilter, Screen, SourceReaders } from './rule-filter.js'

/** A text and what the prefilter says of it. */
interface Value {
  readonly text: string
  readonly mask: number
  /** Undefined when no rule can match it. */
  readonly candidates: Int32Array | undefined
  /** What operators that several rules have said of it: 0 not asked, 1 no, 2 yes. */
  twins: Int8Array | undefined
  /** The readers that it was last shown to as a whole. */
  asked: Readers | undefined
}

/** A value that a rule may match, as its operator sees it. */
interface Finding {
  readonly bit: number
  readonly raw: string
  readonly value: Value
}

const NOTHING: readonly string[] = []

/** The values of one transaction that each rule of a filter has to judge. A source is read when the first rule asks for it, once. */
export class Suspects {
  readonly #filter: RuleFilter
  readonly #state: TransactionState
  /** Sources that are read and have not changed since. */
  #loaded = 0
  /** Rules that have something to judge, or to find out. */
  readonly #live: Int32Array
  /** By rule, what it may match and was not asked of yet: many rules are never reached. */
  readonly #open = new Map<number, Finding[]>()
  /** By rule, the values as they stood before any transformation. */
  readonly #values = new Map<number, string[]>()
  readonly #known = new Map<string, Value>()
  #characters = 0

  constructor(filter: RuleFilter, state: TransactionState) {
    this.#filter = filter
    this.#state = state
    this.#live = new Int32Array(filter.prefilter.words)
  }

  /** Forgets what another seclang phase may show differently. */
  nextPhase(): void {
    this.#loaded &= ~this.#filter.perPhase
  }

  /** Forgets what depends on how bodies are read and shown. */
  switched(): void {
    this.#loaded &= ~this.#filter.perSwitch
  }

  /** Whether the rule has a value to judge; when not, it does not match. */
  has({ bit, needs }: Screen): boolean {
    const missing = needs & ~this.#loaded
    if (missing !== 0) this.#load(missing)
    if (((this.#live[bit >> 5] ?? 0) & (1 << (bit & 31))) === 0) return false
    const open = this.#open.get(bit)
    if (open !== undefined) {
      this.#open.delete(bit)
      for (const finding of open) if (this.#matches(finding)) this.#suspect(bit, finding.raw)
    }
    return this.#values.has(bit)
  }

  /** The values that the rule has to judge; it does not match any other. */
  of({ bit }: Screen): readonly string[] {
    return this.#values.get(bit) ?? NOTHING
  }

  #load(missing: number): void {
    this.#loaded |= missing
    for (let left = missing; left !== 0; left &= left - 1) {
      const source = this.#filter.sources[31 - Math.clz32(left & -left)]
      if (source !== undefined) this.#read(source)
    }
  }

  #read({ source, readers, byKey }: SourceReaders): void {
    for (const entry of source.entries(this.#state)) {
      const key = byKey === undefined && source.common === undefined ? '' : entry.key.toLowerCase()
      const own = byKey?.get(key) ?? readers
      const raw = source.part === 'key' ? entry.key : entry.value
      if (source.common?.(key) === true) {
        for (const bit of this.#recall(raw, own)) this.#suspect(bit, raw)
      } else this.#ask(raw, own)
    }
  }

  #suspect(bit: number, raw: string): void {
    this.#live[bit >> 5] = (this.#live[bit >> 5] ?? 0) | (1 << (bit & 31))
    const values = this.#values.get(bit)
    if (values === undefined) this.#values.set(bit, [raw])
    else if (values.at(-1) !== raw) values.push(raw)
  }

  /** Notes which rules may match a value, once in a transaction. */
  #ask(raw: string, readers: Readers): void {
    const value = this.#value(raw)
    if (value.asked === readers) return
    value.asked = readers
    for (const finding of this.#find(value, readers)) {
      const { bit } = finding
      this.#live[bit >> 5] = (this.#live[bit >> 5] ?? 0) | (1 << (bit & 31))
      const open = this.#open.get(bit)
      if (open === undefined) this.#open.set(bit, [finding])
      else open.push(finding)
    }
  }

  /** Bits of the rules that match a value which transactions have in common. */
  #recall(raw: string, readers: Readers): readonly number[] {
    const { answers } = this.#filter
    const known = answers.get(raw, readers)
    if (known !== undefined) return known
    const found = this.#find(this.#value(raw), readers).filter((finding) => this.#matches(finding))
    const bits = found.length === 0 ? NOBODY : found.map(({ bit }) => bit)
    answers.set(raw, readers, bits)
    return bits
  }

  #find(value: Value, readers: Readers): readonly Finding[] {
    const found: Finding[] = []
    this.#visit(value.text, value, readers, found)
    return found
  }

  /** Asks all readers of a value: on from the transformation that gave it. */
  #visit(raw: string, value: Value, { here, all, below, children }: Readers, found: Finding[]): void {
    const { mask, candidates } = value
    if (below !== undefined && (mask & below) === 0) {
      collect(raw, value, all, found)
      return
    }
    collect(raw, value, here, found)
    for (const child of children) {
      const { touches, caseless, chain } = child
      // Candidates are the same in either case: where nothing else changes and nobody below is one, nobody will be.
      if (caseless !== undefined && (mask & caseless) === 0 && !meet(candidates, child.all)) continue
      const touched = touches === undefined || (mask & touches) !== 0
      const next = touched && chain?.apply !== undefined ? this.#value(chain.apply(value.text)) : value
      this.#visit(raw, next, child, found)
    }
  }

  #matches({ bit, value }: Finding): boolean {
    const member = this.#filter.members[bit]
    if (member === undefined) return false
    const { operator, twin } = member
    if (twin < 0) return probe(operator, value.text)
    const twins = (value.twins ??= new Int8Array(this.#filter.twins))
    if (twins[twin] === 0) twins[twin] = probe(operator, value.text) ? 2 : 1
    return twins[twin] === 2
  }

  #value(text: string): Value {
    let value = this.#known.get(text)
    if (value === undefined) {
      const mask = maskOf(text)
      const candidates = this.#filter.prefilter.candidates(text, mask)
      value = {
        text,
        mask,
        candidates: isEmpty(candidates) ? undefined : candidates.slice(),
        twins: undefined,
        asked: undefined,
      }
      if (this.#characters < MAX_CACHED_CHARACTERS) {
        this.#characters += text.length
        this.#known.set(text, value)
      }
    }
    return value
  }
}

const NOBODY: readonly number[] = []

/** Adds the readers that a value is a candidate of. */
function collect(raw: string, value: Value, readers: Int32Array, found: Finding[]): void {
  const { candidates } = value
  if (candidates === undefined) return
  for (let word = 0; word < readers.length; word++) {
    for (let left = (candidates[word] ?? 0) & (readers[word] ?? 0); left !== 0; left &= left - 1) {
      found.push({ bit: word * 32 + 31 - Math.clz32(left & -left), raw, value })
    }
  }
}

function meet(a: Int32Array | undefined, b: Int32Array): boolean {
  if (a !== undefined)
    for (let word = 0; word < b.length; word++) if (((a[word] ?? 0) & (b[word] ?? 0)) !== 0) return true
  return false
}

function isEmpty(bits: Int32Array): boolean {
  for (const word of bits) if (word !== 0) return false
  return true
}
