import { context, contextAfter } from './assertions.js'
import { byteClasses } from './byte-classes.js'
import type { ByteClasses } from './byte-classes.js'
import { Closure } from './closure.js'
import { op } from './program.js'
import type { Program } from './program.js'

const unknown = -1
const matched = -2
const dead = -3
/** Cells of the transition table; when they are used up the table starts anew, so memory is bounded and time stays linear. */
const maxCells = 1 << 16
/** The same for the instructions that all states together hold. */
const maxPositions = 1 << 18

/** A set of instructions reached between two bytes, and what lies behind. */
interface State {
  readonly positions: Int32Array
  readonly before: number
}

/** Answers of the look-arounds of a program, one bit mask per position of the value; undefined when it has none. */
export type OracleMasks = Uint8Array | undefined

/**
 * Runs a program over values by building, as bytes come, the deterministic automaton of it: one table look-up per byte once warm, and at worst the size
 * of the program per byte, whatever the value. It answers whether some part of the value matches, or where matches end; groups are `PikeVm`'s.
 */
export class LazyDfa {
  readonly #program: Program
  readonly #backwards: boolean
  readonly #classes: ByteClasses
  readonly #masks: number
  /** Cells per state: byte classes and the end, times the answers of look-arounds. */
  readonly #stride: number
  /** Bits of the context that the program can tell apart. */
  readonly #relevant: number
  readonly #closure: Closure
  #table: Int32Array
  #states: State[] = []
  #ids = new Map<string, number>()
  #startRow: number | undefined
  #positions = 0
  /** How often the table started anew. */
  #epoch = 0

  constructor(program: Program, backwards: boolean) {
    this.#program = program
    this.#backwards = backwards
    this.#classes = byteClasses(program)
    this.#masks = 1 << program.oracles
    this.#stride = (this.#classes.count + 1) * this.#masks
    this.#relevant = relevantContext(program)
    this.#closure = new Closure(program)
    this.#table = new Int32Array(this.#stride * 4).fill(unknown)
  }

  /** Whether some part of the value matches. */
  test(value: string, oracles: OracleMasks): boolean {
    this.#startRow ??= this.#enter([0], context.atStart)
    let row = this.#startRow
    if (row < 0) return row === matched
    const classes = this.#classes.of
    const length = value.length
    const backwards = this.#backwards
    const epoch = this.#epoch
    for (let step = 0; step < length; step++) {
      const at = backwards ? length - 1 - step : step
      let symbol = classes[value.charCodeAt(at) & 255] ?? 0
      if (oracles !== undefined) symbol = symbol * this.#masks + (oracles[backwards ? at + 1 : at] ?? 0)
      let next = this.#table[row + symbol] ?? unknown
      if (next === unknown) next = this.#transition(row, symbol)
      if (next < 0) return next === matched
      row = next
      // A value that keeps making new states gains nothing from the table: the rest is simulated.
      if (this.#epoch !== epoch) return this.#simulate(value, step + 1, row, oracles)
    }
    const mask = oracles === undefined ? 0 : (oracles[backwards ? 0 : length] ?? 0)
    const symbol = this.#classes.count * this.#masks + mask
    let last = this.#table[row + symbol] ?? unknown
    if (last === unknown) last = this.#transition(row, symbol)
    return last === matched
  }

  /** Reads the rest of a value, from `from` steps in, without building states. */
  #simulate(value: string, from: number, row: number, oracles: OracleMasks): boolean {
    const state = this.#states[row / this.#stride]
    const length = value.length
    let targets: Iterable<number> = state?.positions ?? []
    let before = state?.before ?? 0
    for (let step = from; step <= length; step++) {
      const position = this.#backwards ? length - step : step
      const byte = step === length ? -1 : value.charCodeAt(this.#backwards ? position - 1 : position) & 255
      const reached = this.#closure.resolve(targets, before, byte, oracles?.[position] ?? 0)
      if (reached.matched) return true
      if (byte < 0) return false
      targets = this.#step(reached.positions, byte)
      before = contextAfter(byte)
    }
    return false
  }

  /** Marks each position (0 to the length of the value) at which some match ends in reading direction. */
  ends(value: string, oracles: OracleMasks): Uint8Array {
    const length = value.length
    const marks = new Uint8Array(length + 1)
    let targets: number[] = [0]
    let before: number = context.atStart
    for (let step = 0; step <= length; step++) {
      const position = this.#backwards ? length - step : step
      const byte = step === length ? -1 : value.charCodeAt(this.#backwards ? position - 1 : position) & 255
      const reached = this.#closure.resolve(targets, before, byte, oracles?.[position] ?? 0)
      if (reached.matched) marks[position] = 1
      targets = byte < 0 ? [] : this.#step(reached.positions, byte)
      before = contextAfter(byte)
    }
    return marks
  }

  /** Fills one cell: where the state of `row` goes on a symbol. */
  #transition(row: number, symbol: number): number {
    const state = this.#states[row / this.#stride]
    if (state === undefined) return dead
    const mask = symbol % this.#masks
    const byteClass = (symbol - mask) / this.#masks
    const byte = byteClass === this.#classes.count ? -1 : (this.#classes.sample[byteClass] ?? 0)
    const reached = this.#closure.resolve(state.positions, state.before, byte, mask)
    if (reached.matched) return this.#set(row, symbol, matched)
    if (byte < 0) return this.#set(row, symbol, dead)
    const known = this.#states.length
    const next = this.#enter(this.#step(reached.positions, byte), contextAfter(byte) & this.#relevant)
    // The table may have started anew meanwhile; then this row is gone.
    return this.#states.length < known ? next : this.#set(row, symbol, next)
  }

  #set(row: number, symbol: number, next: number): number {
    this.#table[row + symbol] = next
    return next
  }

  #step(positions: Int32Array, byte: number): number[] {
    const { code, x, sets } = this.#program
    const targets: number[] = []
    for (const at of positions)
      if (code[at] === op.byte && sets[x[at] ?? 0]?.has(byte) === true) targets.push(at + 1)
    // A match may also begin here.
    targets.push(0)
    return targets
  }

  /** The state behind `targets`: `matched`, `dead`, or the offset of its row. */
  #enter(targets: readonly number[], before: number): number {
    const reached = this.#closure.expand(targets, before)
    if (reached.matched) return matched
    if (reached.positions.length === 0) return dead
    const key = stateKey(reached.positions, before)
    const known = this.#ids.get(key)
    if (known !== undefined) return known
    this.#makeRoom(reached.positions.length)
    this.#positions += reached.positions.length
    const row = this.#states.length * this.#stride
    this.#states.push({ positions: reached.positions, before })
    this.#ids.set(key, row)
    return row
  }

  #makeRoom(positions: number): void {
    const cellsLeft = (this.#states.length + 1) * this.#stride <= this.#table.length
    const full = !cellsLeft && this.#table.length >= maxCells
    if ((full || this.#positions + positions > maxPositions) && this.#states.length > 1) {
      this.#epoch += 1
      this.#states = []
      this.#ids = new Map()
      this.#startRow = undefined
      this.#positions = 0
      this.#table.fill(unknown)
    } else if (!cellsLeft) {
      const grown = new Int32Array(this.#table.length * 2).fill(unknown)
      grown.set(this.#table)
      this.#table = grown
    }
  }
}

/** Text that tells states apart: one character per instruction, for there are fewer than 65,536. */
function stateKey(positions: Int32Array, before: number): string {
  const sorted = positions.toSorted()
  let key = String.fromCharCode(before)
  for (let from = 0; from < sorted.length; from += 4096)
    key += String.fromCharCode(...sorted.subarray(from, from + 4096))
  return key
}

function relevantContext(program: Program): number {
  let bits = 0
  for (const what of program.assertions) {
    if (what === 'start' || what === 'notStart') bits |= context.atStart
    if (what === 'afterLine') bits |= context.afterLine
    if (what === 'wordBoundary' || what === 'notWordBoundary') bits |= context.afterWord
  }
  return bits
}
