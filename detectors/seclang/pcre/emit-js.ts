import type { Assertion, Node } from './ast.js'
import type { ByteSet } from './byte-set.js'
import { PatternError } from './errors.js'
import { firstsOf } from './first-bytes.js'
import { someNode } from './simplify.js'

export interface EmittedPattern {
  readonly source: string
  /** Number of each group in the emitted pattern, by its number in the original; 0 stays 0. */
  readonly groupNumbers: readonly number[]
}

const assertions: Readonly<Record<Assertion, string>> = {
  start: '^',
  end: '$',
  notStart: '(?<=[^])',
  notEnd: '(?=[^])',
  afterLine: '(?<=\\n)',
  beforeLine: '(?=\\n)',
  wordBoundary: '\\b',
  notWordBoundary: '\\B',
}

/**
 * Writes a tree as the source of a JavaScript RegExp without flags that means the same on byte strings. Atomic groups become a look-ahead with a back-reference.
 * Throws `PatternError` where JavaScript means something else: see the messages.
 */
export function emitJs(root: Node, groups: number): EmittedPattern {
  const emitter = new Emitter(groups)
  emitter.number(root)
  emitter.checkReferences(root, new Set())
  checkOrder(root)
  return { source: emitter.node(root), groupNumbers: emitter.groupNumbers }
}

class Emitter {
  readonly groupNumbers: number[]
  readonly #atomicNumbers = new Map<Node, number>()
  #count = 0

  constructor(groups: number) {
    this.groupNumbers = Array.from({ length: groups + 1 }, () => 0)
  }

  /** Numbers the groups, ours and those that atomic groups need, in the order of their opening parentheses. */
  number(node: Node): void {
    if (node.kind === 'group') this.groupNumbers[node.index] = ++this.#count
    if (node.kind === 'atomic') {
      if (this.#atomicNumbers.has(node)) throw new PatternError('an atomic group stands twice', 0)
      this.#atomicNumbers.set(node, ++this.#count)
    }
    for (const child of children(node)) this.number(child)
  }

  /** PCRE fails at a reference to a group that took no part, JavaScript matches nothing there: such a group must not occur. */
  checkReferences(node: Node, set: ReadonlySet<number>): ReadonlySet<number> {
    switch (node.kind) {
      case 'backreference':
        if (node.caseless) throw new PatternError('a back-reference under (?i) is not supported', 0)
        if (!set.has(node.index))
          throw new PatternError(
            `a back-reference names group ${node.index}, which may not have taken part`,
            0,
          )
        return set
      case 'cat':
        return node.items.reduce((known, item) => this.checkReferences(item, known), set)
      case 'alt': {
        const after = node.items.map((item) => this.checkReferences(item, set))
        return new Set([...(after[0] ?? set)].filter((index) => after.every((known) => known.has(index))))
      }
      case 'group':
        return new Set([...this.checkReferences(node.node, set), node.index])
      case 'repeat': {
        const after = this.checkReferences(node.node, set)
        return node.min === 0 ? set : after
      }
      case 'look': {
        const after = this.checkReferences(node.node, set)
        return node.negated ? set : after
      }
      case 'atomic':
        return this.checkReferences(node.node, set)
      default:
        return set
    }
  }

  node(node: Node): string {
    switch (node.kind) {
      case 'empty':
        return '(?:)'
      case 'set':
        return emitSet(node.set)
      case 'cat':
        return node.items
          .map((item) => (item.kind === 'alt' ? `(?:${this.node(item)})` : this.node(item)))
          .join('')
      case 'alt':
        return node.items
          .map((item) => (item.kind === 'alt' ? `(?:${this.node(item)})` : this.node(item)))
          .join('|')
      case 'repeat':
        return `${this.#unit(node.node)}${bounds(node.min, node.max)}${node.mode === 'lazy' ? '?' : ''}`
      case 'group':
        return `(${this.node(node.node)})`
      case 'atomic':
        return `(?:(?=(${this.node(node.node)}))\\${this.#atomicNumbers.get(node) ?? 0})`
      case 'look':
        return `(?${node.ahead ? '' : '<'}${node.negated ? '!' : '='}${this.node(node.node)})`
      case 'assert':
        return assertions[node.what]
      case 'backreference':
        return `(?:\\${this.groupNumbers[node.index] ?? 0})`
      case 'keep':
        throw new PatternError('\\K is not supported in a pattern that needs backtracking', 0)
    }
  }

  #unit(node: Node): string {
    const text = this.node(node)
    return node.kind === 'set' || node.kind === 'group' ? text : `(?:${text})`
  }
}

/** JavaScript reads look-behinds from right to left and takes no empty round of a repeat: where the order of trials counts, neither may occur. */
function checkOrder(root: Node): void {
  const isOrdered = ({ kind }: Node): boolean => kind === 'atomic' || kind === 'backreference'
  const isEmptyRound = (node: Node): boolean => node.kind === 'repeat' && firstsOf(node.node).nullable
  someNode(root, (node) => {
    if (node.kind === 'look' && !node.ahead && someNode(node.node, isOrdered))
      throw new PatternError('an atomic group or back-reference in a look-behind is not supported', 0)
    if (node.kind === 'atomic' && someNode(node.node, isEmptyRound))
      throw new PatternError('a repeat of what can be empty is not supported in an atomic group', 0)
    return false
  })
}

function children(node: Node): readonly Node[] {
  switch (node.kind) {
    case 'cat':
    case 'alt':
      return node.items
    case 'repeat':
    case 'group':
    case 'atomic':
    case 'look':
      return [node.node]
    default:
      return []
  }
}

function bounds(min: number, max: number): string {
  if (max === Infinity) return min === 0 ? '*' : min === 1 ? '+' : `{${min},}`
  return min === max ? `{${min}}` : `{${min},${max}}`
}

function emitSet(set: ByteSet): string {
  let text = ''
  for (let from = 0; from < 256; from++) {
    if (!set.has(from)) continue
    let to = from
    while (to < 255 && set.has(to + 1)) to += 1
    text += to === from ? hex(from) : `${hex(from)}-${hex(to)}`
    from = to
  }
  return `[${text}]`
}

function hex(byte: number): string {
  return '\\x' + byte.toString(16).padStart(2, '0')
}
