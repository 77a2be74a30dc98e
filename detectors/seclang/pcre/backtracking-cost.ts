import type { Node } from './ast.js'
import { PatternError } from './errors.js'
import { firstsOf } from './first-bytes.js'

/** Ways a node can match from one position: at most `factor` times the value's length to the power of `degree`. */
interface Ways {
  readonly factor: number
  readonly degree: number
}

/** Steps that one value may cost a backtracking pattern: about a fifth of a second at the very worst. */
const maxSteps = 2e7
/** Bytes that a pattern must at least be able to see to be of any use. */
const minBound = 64
/** Repeats up to this count are multiplied out, longer ones count as unlimited. */
const smallRepeat = 16

const one: Ways = { factor: 1, degree: 0 }

/**
 * Computes how many bytes of a value a backtracking matcher may be given so that it ends in time: an upper limit on the paths it can try, solved for the length. Throws `PatternError`
 * when the paths may grow exponentially or the bound would be useless.
 */
export function backtrackingBound(root: Node): number {
  const ways = waysOf(root)
  // Each start position is tried, and a reference compares at most as many bytes as there are.
  const bound = Math.floor((maxSteps / ways.factor) ** (1 / (ways.degree + 2)))
  if (bound < minBound) throw new PatternError('backtracking could take too long', 0)
  return bound
}

function waysOf(node: Node): Ways {
  switch (node.kind) {
    case 'cat':
      return node.items.reduce((ways, item) => times(ways, waysOf(item)), one)
    case 'alt':
      return node.items.reduce((ways, item) => plus(ways, waysOf(item)), { factor: 0, degree: 0 })
    case 'group':
    case 'atomic':
    case 'look':
      return waysOf(node.node)
    case 'repeat':
      return repeated(node.node, node.min, node.max)
    default:
      return one
  }
}

function repeated(body: Node, min: number, max: number): Ways {
  const inner = waysOf(body)
  if (max <= 1) return plus(one, inner)
  if (isUnit(body)) {
    const choices = max - min + 1
    return choices <= smallRepeat ? { factor: choices, degree: 0 } : { factor: 1, degree: 1 }
  }
  if (max > smallRepeat) throw new PatternError('a repeat inside a repeat could take exponential time', 0)
  let ways = one
  for (let count = 0; count < max; count++) ways = plus(one, times(ways, inner))
  return ways
}

/** True when a node matches at most one length at any position, and not nothing: repeating it can then only stop early. */
function isUnit(node: Node): boolean {
  switch (node.kind) {
    case 'set':
      return true
    case 'group':
      return isUnit(node.node)
    case 'cat':
      return (
        node.items.every((item) => item.kind === 'assert' || isUnit(item)) &&
        node.items.some((item) => item.kind !== 'assert')
      )
    case 'alt':
      return node.items.every((item, index) => {
        const { set } = firstsOf(item)
        return (
          isUnit(item) && node.items.slice(0, index).every((other) => !firstsOf(other).set.intersects(set))
        )
      })
    default:
      return false
  }
}

function times(a: Ways, b: Ways): Ways {
  return { factor: a.factor * b.factor, degree: a.degree + b.degree }
}

function plus(a: Ways, b: Ways): Ways {
  return { factor: a.factor + b.factor, degree: Math.max(a.degree, b.degree) }
}
