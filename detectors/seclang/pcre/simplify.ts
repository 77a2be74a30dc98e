import { cat, empty } from './ast.js'
import type { Node } from './ast.js'
import { sequence } from './first-bytes.js'

/**
 * Turns atomic groups and possessive repeats that change nothing into plain ones, so that an automaton can run the pattern: those at the very end, and
 * repeats of one byte set that is disjoint from what must follow.
 */
export function simplify(node: Node): Node {
  return someNode(node, ({ kind }) => kind === 'atomic') ? within(node, [], true) : node
}

/** `after` is what follows inside the pattern; `last` tells that after it the pattern ends. */
function within(node: Node, after: readonly Node[], last: boolean): Node {
  switch (node.kind) {
    case 'cat':
      return cat(
        node.items.map((item, index) => within(item, [...node.items.slice(index + 1), ...after], last)),
      )
    case 'alt':
      return { ...node, items: node.items.map((item) => within(item, after, last)) }
    case 'group':
      return { ...node, node: within(node.node, after, last) }
    case 'repeat':
      // Inside a loop the next round may follow: nothing is known there.
      return { ...node, node: within(node.node, [], node.max === 1 && last && after.length === 0) }
    case 'atomic': {
      const inner = within(node.node, [], false)
      if (last && after.length === 0) return inner
      if (inner.kind === 'set' || inner.kind === 'empty') return inner
      if (inner.kind === 'repeat' && inner.mode === 'greedy' && inner.node.kind === 'set' && last) {
        const next = sequence(after)
        if (!next.asserts && !next.set.intersects(inner.node.set)) return inner
      }
      return { ...node, node: inner }
    }
    case 'look':
      return { ...node, node: within(node.node, [], true) }
    default:
      return node
  }
}

/** True when the node, or one in it, satisfies the test. */
export function someNode(node: Node, test: (node: Node) => boolean): boolean {
  if (test(node)) return true
  switch (node.kind) {
    case 'cat':
    case 'alt':
      return node.items.some((item) => someNode(item, test))
    case 'repeat':
    case 'group':
    case 'atomic':
    case 'look':
      return someNode(node.node, test)
    default:
      return false
  }
}

/** The tree without its capturing groups, for callers that only ask whether something matches. */
export function withoutGroups(node: Node): Node {
  switch (node.kind) {
    case 'cat':
    case 'alt':
      return { ...node, items: node.items.map(withoutGroups) }
    case 'repeat':
    case 'atomic':
    case 'look':
      return { ...node, node: withoutGroups(node.node) }
    case 'group':
      return withoutGroups(node.node)
    case 'keep':
      return empty
    default:
      return node
  }
}
