import { maskOf } from '../prefilter/index.js'
import type { TransactionState } from '../state.js'
import { MAX_CACHED_CHARACTERS } from '../transformation-chain.js'
import type { Readers } from './readers.js'
import type { RuleFilter, Screen, SourceReaders } from './rule-filter.js'

/** A text and what the prefilter says of it. */
interface Value {
  readonly text: string
  readonly mask: number
  /** Undefined when no rule can match it. */
  readonly candidates: Int32Array | undefined
}

const NOBODY: readonly string[] = []

/** The values of one transaction that each rule of a filter has to judge. A source is read when the first rule asks for it, once. */
export class Suspects {
  readonly #filter: RuleFilter
  readonly #state: TransactionState
  /** Sources that are read and have not changed since. */
  #loaded = 0
  /** Rules that have something to judge. */
  readonly #live: Int32Array
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

  /** Whether the rule has a value to judge; when not, it cannot match. */
  has({ bit, needs }: Screen): boolean {
    const missing = needs & ~this.#loaded
    if (missing !== 0) this.#load(missing)
    return ((this.#live[bit >> 5] ?? 0) & (1 << (bit & 31))) !== 0
  }

  /** The values that the rule has to judge; it cannot match any other. */
  of({ bit }: Screen): readonly string[] {
    return this.#values.get(bit) ?? NOBODY
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
      const raw = source.part === 'key' ? entry.key : entry.value
      const own = byKey?.get(entry.key.toLowerCase()) ?? readers
      this.#visit(raw, this.#value(raw), own)
    }
  }

  /** Asks for all readers of a value: on from the transformation that gave it. */
  #visit(raw: string, value: Value, readers: Readers): void {
    const { below } = readers
    if (below !== undefined && (value.mask & below) === 0) {
      this.#mark(raw, value.candidates, readers.all)
      return
    }
    this.#mark(raw, value.candidates, readers.here)
    for (const child of readers.children) {
      const { touches, chain } = child
      const changed =
        (touches === undefined || (value.mask & touches) !== 0) && chain?.apply !== undefined
          ? this.#value(chain.apply(value.text))
          : value
      this.#visit(raw, changed, child)
    }
  }

  #mark(raw: string, candidates: Int32Array | undefined, readers: Int32Array): void {
    if (candidates === undefined) return
    for (let word = 0; word < readers.length; word++) {
      for (let left = (candidates[word] ?? 0) & (readers[word] ?? 0); left !== 0; left &= left - 1) {
        const bit = 31 - Math.clz32(left & -left)
        this.#live[word] = (this.#live[word] ?? 0) | (1 << bit)
        const values = this.#values.get(word * 32 + bit)
        if (values === undefined) this.#values.set(word * 32 + bit, [raw])
        else if (values.at(-1) !== raw) values.push(raw)
      }
    }
  }

  #value(text: string): Value {
    let value = this.#known.get(text)
    if (value === undefined) {
      const mask = maskOf(text)
      const candidates = this.#filter.prefilter.candidates(text, mask)
      value = {
        text,
        mask,
        candidates: candidates.some((word) => word !== 0) ? candidates.slice() : undefined,
      }
      if (this.#characters < MAX_CACHED_CHARACTERS) {
        this.#characters += text.length
        this.#known.set(text, value)
      }
    }
    return value
  }
}
