import type { Assertion, Node } from './ast.js'
import type { ByteSet } from './byte-set.js'
import { PatternError } from './errors.js'
import { op } from './program.js'
import type { Program } from './program.js'

/** Counted repeats are written out; beyond this many instructions a pattern is refused. */
const maxInstructions = 60_000

const mirrored: ReadonlyMap<Assertion, Assertion> = new Map([
  ['start', 'end'],
  ['end', 'start'],
  ['notStart', 'notEnd'],
  ['notEnd', 'notStart'],
  ['afterLine', 'beforeLine'],
  ['beforeLine', 'afterLine'],
])

/** A look-around taken out of the tree: the automaton asks for its answer by number. */
export interface Oracle {
  readonly node: Node
  readonly ahead: boolean
}

export interface CompiledProgram {
  readonly program: Program
  readonly oracles: readonly Oracle[]
}

/**
 * Compiles a tree into an automaton; `backwards` reads the value from its end to its start. Throws `PatternError` for what an automaton cannot
 * express (back-references, atomic groups) and for patterns that grow too large.
 */
export function compileProgram(root: Node, groups: number, backwards: boolean): CompiledProgram {
  const compiler = new Compiler(backwards)
  compiler.save(0)
  compiler.node(root)
  compiler.save(1)
  return compiler.finish((groups + 1) * 2)
}

class Compiler {
  readonly #backwards: boolean
  readonly #code: number[] = []
  readonly #x: number[] = []
  readonly #y: number[] = []
  readonly #sets: ByteSet[] = []
  readonly #setIndex = new Map<string, number>()
  readonly #assertions: Assertion[] = []
  readonly #oracles: Oracle[] = []
  readonly #oracleIndex = new Map<Node, number>()

  constructor(backwards: boolean) {
    this.#backwards = backwards
  }

  finish(slots: number): CompiledProgram {
    this.#emit(op.match, 0, 0)
    const program: Program = {
      code: Uint8Array.from(this.#code),
      x: Int32Array.from(this.#x),
      y: Int32Array.from(this.#y),
      sets: this.#sets,
      assertions: this.#assertions,
      slots,
      oracles: this.#oracles.length,
    }
    return { program, oracles: this.#oracles }
  }

  save(slot: number): void {
    this.#emit(op.save, slot, 0)
  }

  node(node: Node): void {
    switch (node.kind) {
      case 'empty':
        return
      case 'set':
        this.#emit(op.byte, this.#set(node.set), 0)
        return
      case 'cat':
        for (const item of this.#backwards ? node.items.toReversed() : node.items) this.node(item)
        return
      case 'alt':
        this.#alternatives(node.items)
        return
      case 'repeat':
        this.#repeat(node.node, node.min, node.max, node.mode === 'lazy')
        return
      case 'group':
        this.save(node.index * 2)
        this.node(node.node)
        this.save(node.index * 2 + 1)
        return
      case 'assert': {
        this.#assertions.push(this.#backwards ? (mirrored.get(node.what) ?? node.what) : node.what)
        this.#emit(op.assert, this.#assertions.length - 1, 0)
        return
      }
      case 'look':
        this.#emit(op.oracle, this.#oracle(node), node.negated ? 1 : 0)
        return
      case 'keep':
        this.save(0)
        return
      case 'atomic':
      case 'backreference':
        throw new PatternError(`a ${node.kind} group is no regular language`, 0)
    }
  }

  #oracle(node: Extract<Node, { kind: 'look' }>): number {
    const known = this.#oracleIndex.get(node)
    if (known !== undefined) return known
    this.#oracles.push({ node: node.node, ahead: node.ahead })
    this.#oracleIndex.set(node, this.#oracles.length - 1)
    return this.#oracles.length - 1
  }

  #alternatives(items: readonly Node[]): void {
    const jumps: number[] = []
    items.forEach((item, index) => {
      if (index === items.length - 1) {
        this.node(item)
        return
      }
      const split = this.#emit(op.split, this.#here + 1, 0)
      this.node(item)
      jumps.push(this.#emit(op.jump, 0, 0))
      this.#y[split] = this.#here
    })
    for (const jump of jumps) this.#x[jump] = this.#here
  }

  #repeat(node: Node, min: number, max: number, lazy: boolean): void {
    for (let count = 0; count < min; count++) this.node(node)
    if (max === Infinity) {
      const split = this.#emit(op.split, 0, 0)
      this.node(node)
      this.#emit(op.jump, split, 0)
      this.#patch(split, split + 1, this.#here, lazy)
      return
    }
    const splits: number[] = []
    for (let count = min; count < max; count++) {
      splits.push(this.#emit(op.split, 0, 0))
      this.node(node)
    }
    for (const split of splits) this.#patch(split, split + 1, this.#here, lazy)
  }

  #patch(split: number, inside: number, after: number, lazy: boolean): void {
    this.#x[split] = lazy ? after : inside
    this.#y[split] = lazy ? inside : after
  }

  get #here(): number {
    return this.#code.length
  }

  #set(set: ByteSet): number {
    const key = set.key
    const known = this.#setIndex.get(key)
    if (known !== undefined) return known
    this.#sets.push(set)
    this.#setIndex.set(key, this.#sets.length - 1)
    return this.#sets.length - 1
  }

  #emit(code: number, x: number, y: number): number {
    if (this.#code.length >= maxInstructions)
      throw new PatternError(`counted repeats make more than ${maxInstructions} steps`, 0)
    this.#code.push(code)
    this.#x.push(x)
    this.#y.push(y)
    return this.#code.length - 1
  }
}
