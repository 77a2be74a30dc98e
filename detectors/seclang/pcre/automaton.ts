import type { Node, Pattern } from './ast.js'
import { BitState } from './bit-state.js'
import { compileProgram } from './compile-program.js'
import { PatternError } from './errors.js'
import { firstsOf, isAnchored, isAnchoredAtEnd } from './first-bytes.js'
import { LazyDfa } from './lazy-dfa.js'
import type { OracleMasks } from './lazy-dfa.js'
import { PikeVm } from './pike-vm.js'
import type { Groups } from './pike-vm.js'
import type { Program } from './program.js'
import { someNode, withoutGroups } from './simplify.js'

const maxOracles = 3
const maxNesting = 3

/** A pattern that runs in linear time. */
export interface Automaton {
  test(value: string): boolean
  /** The leftmost match at or after `from` with its groups. */
  exec(value: string, from: number): Groups | undefined
}

/** Builds the automaton of a tree; throws `PatternError` when it is beyond automata (see `compileProgram`). */
export function buildAutomaton(pattern: Pattern): Automaton {
  const { root, groups } = pattern
  if (
    someNode(
      root,
      (node) =>
        node.kind === 'look' &&
        someNode(node.node, (inner) => inner.kind === 'group' || inner.kind === 'keep'),
    )
  ) {
    throw new PatternError('a group inside a look-around keeps text', 0)
  }
  const tester = new Tester(withoutGroups(root), false, 0)
  // Such a match has nothing to find out but whether there is one.
  const whole =
    groups === 0 &&
    isAnchored(root) &&
    isAnchoredAtEnd(root) &&
    !someNode(root, ({ kind }) => kind === 'keep')
  let captures: Captures | undefined
  return {
    test: (value) => tester.test(value),
    exec: (value, from) => {
      if (whole && from === 0) return tester.test(value) ? Int32Array.of(0, value.length) : undefined
      // Only rules that capture need groups; the program with them is built on first use.
      captures ??= capturesOf(pattern)
      const { short, long } = captures
      return (short.fits(value, from) ? short : long).exec(value, from, tester.oracleMasks(value))
    },
  }
}

interface Captures {
  readonly short: BitState
  readonly long: PikeVm
}

function capturesOf({ root, groups }: Pattern): Captures {
  const { set, nullable } = firstsOf(root)
  const { program } = compileProgram(root, groups, false)
  const firsts = nullable ? undefined : set
  const anchored = isAnchored(root)
  return { short: new BitState(program, firsts, anchored), long: new PikeVm(program, firsts, anchored) }
}

/** Answers whether a tree matches; its look-arounds are testers of their own, run first over the whole value. */
class Tester {
  readonly #program: Program
  readonly #backwards: boolean
  #dfa: LazyDfa | undefined
  readonly #oracles: readonly Tester[]

  constructor(root: Node, backwards: boolean, depth: number) {
    if (depth > maxNesting) throw new PatternError('look-arounds are nested too deeply', 0)
    const { program, oracles } = compileProgram(root, 0, backwards)
    if (oracles.length > maxOracles) throw new PatternError(`more than ${maxOracles} look-arounds`, 0)
    this.#program = program
    this.#backwards = backwards
    // What is ahead of a position is read from the end of the value towards it.
    this.#oracles = oracles.map((oracle) => new Tester(oracle.node, oracle.ahead, depth + 1))
  }

  test(value: string): boolean {
    return this.#automaton.test(value, this.oracleMasks(value))
  }

  /** Most patterns never see a value that could match them: the tables are made for the first. */
  get #automaton(): LazyDfa {
    return (this.#dfa ??= new LazyDfa(this.#program, this.#backwards))
  }

  oracleMasks(value: string): OracleMasks {
    if (this.#oracles.length === 0) return undefined
    const masks = new Uint8Array(value.length + 1)
    this.#oracles.forEach((oracle, index) => {
      const ends = oracle.#automaton.ends(value, oracle.oracleMasks(value))
      for (let at = 0; at < masks.length; at++) masks[at] = (masks[at] ?? 0) | ((ends[at] ?? 0) << index)
    })
    return masks
  }
}
