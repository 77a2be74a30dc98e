import { maskOf } from '../prefilter/index.js'
import type { TransactionState } from '../state.js'
import { MAX_CACHED_CHARACTERS } from '../transformation-chain.js'
import type { Transformation } from '../transformation.js'
import type { Watch } from './clean-path.js'
import type { Readers } from './readers.js'
import { probe } from './probe.js'
import type { Exit } from './routes.js'
import { type RuleFilter, type Screen, type SourceReaders, lengthBit } from './rule-filter.js'
import type { Sieve } from './sieve.js'

/** A text and what is known of it. */
interface Value {
  readonly text: string
  readonly mask: number
  readonly sieve: Sieve
  /** What the prefilter says of it; undefined while it was not asked. */
  candidates: Int32Array | undefined
  /** What operators that several rules have said of it: 0 not asked, 1 no, 2 yes. */
  twins: Int8Array | undefined
  /** The readers that it was last shown to as a whole. */
  asked: Readers | undefined
  /** What became of it. */
  changed: Changed | undefined
}

/** A transformation of a value and its result, in a list of them. */
interface Changed {
  readonly apply: Transformation
  readonly value: Value
  readonly next: Changed | undefined
}

/** A value that some of the rules `among` may match, as their operators see it. */
interface Finding {
  readonly raw: string
  readonly value: Value
  readonly candidates: Int32Array
  readonly among: Int32Array
}

/** A finding among those that one rule was not asked of yet. */
interface Note {
  readonly finding: Finding
  readonly next: Note | undefined
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
  readonly #open: (Note | undefined)[] = []
  /** By rule, the values as they stood before any transformation. */
  readonly #values = new Map<number, string[]>()
  /** Rules that surely match all of these. */
  readonly #sure = new Set<number>()
  readonly #known = new Map<string, Value>()
  /** The same of what decoding made. */
  readonly #decoded = new Map<string, Value>()
  #characters = 0

  constructor(filter: RuleFilter, state: TransactionState) {
    this.#filter = filter
    this.#state = state
    this.#live = new Int32Array(filter.words)
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
    let note = this.#open[bit]
    if (note !== undefined) {
      this.#open[bit] = undefined
      for (; note !== undefined; note = note.next) {
        const { value, raw } = note.finding
        const sure = this.#denied(bit, value)
        if (sure || this.#matches(bit, value)) this.#suspect(bit, raw, sure)
      }
    }
    return this.#values.has(bit)
  }

  /**
   * Whether it is known that no rule of a watch has a value to judge. Nothing is read for it: a source that is too long shows on the verdict, and is
   * read only when the turn of a rule comes that asks for it.
   */
  quiet({ needs, bits }: Watch): boolean {
    if ((needs & ~this.#loaded) !== 0) return false
    for (let at = 0; at < bits.length; at += 2)
      if (((this.#live[bits[at] ?? 0] ?? 0) & (bits[at + 1] ?? 0)) !== 0) return false
    return true
  }

  /** The values that the rule has to judge; it does not match any other. */
  of({ bit }: Screen): readonly string[] {
    return this.#values.get(bit) ?? NOTHING
  }

  /** Whether the rule's operator says yes to all of these, and has nothing else to say. */
  surely({ bit }: Screen): boolean {
    return this.#sure.has(bit)
  }

  #load(missing: number): void {
    this.#loaded |= missing
    for (let left = missing; left !== 0; left &= left - 1) {
      const source = this.#filter.sources[31 - Math.clz32(left & -left)]
      if (source !== undefined) this.#read(source)
    }
  }

  #read({ source, readers, byKey, lengths }: SourceReaders): void {
    const { common, part } = source
    const byName = typeof common === 'function'
    for (const { key, value } of source.entries(this.#state)) {
      const selected = (lengths & lengthBit(key.length)) !== 0
      // Nobody reads it.
      if (!selected && readers.least === Infinity) continue
      const lower = byName || selected ? key.toLowerCase() : undefined
      const own = (lower === undefined ? undefined : byKey?.get(lower)) ?? readers
      const raw = part === 'key' ? key : value
      if (common === 'all' || (byName && lower !== undefined && common(lower))) {
        for (const bit of this.#recall(raw, own)) this.#suspect(bit, raw)
      } else this.#ask(raw, own)
    }
  }

  #suspect(bit: number, raw: string, sure = false): void {
    this.#live[bit >> 5] = (this.#live[bit >> 5] ?? 0) | (1 << (bit & 31))
    const values = this.#values.get(bit)
    if (!sure) this.#sure.delete(bit)
    else if (values === undefined) this.#sure.add(bit)
    if (values === undefined) this.#values.set(bit, [raw])
    else if (values.at(-1) !== raw) values.push(raw)
  }

  /** Notes which rules may match a value, once in a transaction. */
  #ask(raw: string, readers: Readers): void {
    const value = this.#value(raw)
    if (value.asked === readers) return
    value.asked = readers
    for (const finding of this.#find(value, readers)) {
      const { candidates, among } = finding
      for (let word = 0; word < among.length; word++) {
        const bits = (candidates[word] ?? 0) & (among[word] ?? 0)
        if (bits === 0) continue
        this.#live[word] = (this.#live[word] ?? 0) | bits
        for (let left = bits; left !== 0; left &= left - 1) this.#note(word * 32 + lowest(left), finding)
      }
    }
  }

  #note(bit: number, finding: Finding): void {
    this.#open[bit] = { finding, next: this.#open[bit] }
  }

  /** Bits of the rules that match a value which transactions have in common. */
  #recall(raw: string, readers: Readers): readonly number[] {
    const { answers } = this.#filter
    const known = answers.get(raw, readers)
    if (known !== undefined) return known
    const bits: number[] = []
    for (const { value, candidates, among } of this.#find(this.#value(raw), readers)) {
      for (let word = 0; word < among.length; word++) {
        for (let left = (candidates[word] ?? 0) & (among[word] ?? 0); left !== 0; left &= left - 1) {
          const bit = word * 32 + lowest(left)
          if (this.#matches(bit, value)) bits.push(bit)
        }
      }
    }
    const found = bits.length === 0 ? NOBODY : bits
    answers.set(raw, readers, found)
    return found
  }

  #find(value: Value, readers: Readers): readonly Finding[] {
    const found: Finding[] = []
    this.#visit(value.text, value, readers, found)
    return found
  }

  /** Asks all readers of a value: on from the transformation that gave it. */
  #visit(raw: string, value: Value, readers: Readers, found: Finding[]): void {
    const { here, exits } = value.sieve.routes.of(readers, value.mask)
    if (here !== undefined) {
      const candidates = this.#candidates(value)
      if (meet(candidates, here)) found.push({ raw, value, candidates, among: here })
    }
    for (const exit of exits) {
      const { readers: behind, caseOnly, screen } = exit
      if (value.text.length < behind.least || screen?.admits(value.text) === false) continue
      // Candidates are the same in either case: where nobody below is one, nobody will be.
      if (caseOnly && !meet(this.#candidates(value), behind.all)) continue
      const changed = this.#changed(value, exit)
      if (caseOnly) changed.candidates ??= value.candidates
      this.#visit(raw, changed, behind, found)
    }
  }

  #changed(value: Value, { apply, opaque }: Exit): Value {
    for (let known = value.changed; known !== undefined; known = known.next)
      if (known.apply === apply) return known.value
    const text = apply(value.text)
    const sieve = opaque ? this.#filter.decoded : value.sieve
    const result = text === value.text && sieve === value.sieve ? value : this.#value(text, sieve)
    if (this.#characters < MAX_CACHED_CHARACTERS)
      value.changed = { apply, value: result, next: value.changed }
    return result
  }

  /** Whether a negated operator matches for want of what it must not find. */
  #denied(bit: number, value: Value): boolean {
    const denial = this.#filter.members[bit]?.denial ?? -1
    if (denial < 0) return false
    return ((this.#candidates(value)[denial >> 5] ?? 0) & (1 << (denial & 31))) === 0
  }

  #matches(bit: number, value: Value): boolean {
    const member = this.#filter.members[bit]
    if (member === undefined) return false
    const { operator, twin } = member
    if (twin < 0) return probe(operator, value.text)
    const twins = (value.twins ??= new Int8Array(this.#filter.twins))
    if (twins[twin] === 0) twins[twin] = probe(operator, value.text) ? 2 : 1
    return twins[twin] === 2
  }

  #value(text: string, sieve = this.#filter.shown): Value {
    const known = sieve === this.#filter.shown ? this.#known : this.#decoded
    let value = known.get(text)
    if (value === undefined) {
      value = {
        text,
        mask: maskOf(text),
        sieve,
        candidates: undefined,
        twins: undefined,
        asked: undefined,
        changed: undefined,
      }
      if (this.#characters < MAX_CACHED_CHARACTERS) {
        this.#characters += text.length
        known.set(text, value)
      }
    }
    return value
  }

  #candidates(value: Value): Int32Array {
    return (value.candidates ??= value.sieve.prefilter.candidates(value.text, value.mask))
  }
}

const NOBODY: readonly number[] = []

function meet(a: Int32Array, b: Int32Array): boolean {
  for (let word = 0; word < b.length; word++) if (((a[word] ?? 0) & (b[word] ?? 0)) !== 0) return true
  return false
}

/** Number of the lowest bit. */
function lowest(bits: number): number {
  return 31 - Math.clz32(bits & -bits)
}
