import { cat, empty } from './ast.js'
import type { Node } from './ast.js'
import { ByteSet } from './byte-set.js'

/**
 * What of a tree is left for values that hold none of the bytes; undefined when nothing of it can match such a value. It may match more of them than
 * the tree does, never less.
 */
export function withoutBytes(node: Node, absent: ByteSet): Node | undefined {
  switch (node.kind) {
    case 'set': {
      if (!node.set.intersects(absent)) return node
      const left = node.set.bytes.filter((byte) => !absent.has(byte))
      return left.length === 0 ? undefined : { kind: 'set', set: ByteSet.of(...left) }
    }
    case 'cat': {
      const items: Node[] = []
      for (const item of node.items) {
        const left = withoutBytes(item, absent)
        if (left === undefined) return undefined
        items.push(left)
      }
      return cat(items)
    }
    case 'alt': {
      const items = node.items.flatMap((item) => withoutBytes(item, absent) ?? [])
      return items.length === 0 ? undefined : { kind: 'alt', items }
    }
    case 'repeat': {
      const left = withoutBytes(node.node, absent)
      if (left !== undefined) return { ...node, node: left }
      return node.min === 0 ? empty : undefined
    }
    case 'group':
    case 'atomic': {
      const left = withoutBytes(node.node, absent)
      return left === undefined ? undefined : { ...node, node: left }
    }
    case 'look': {
      if (node.negated) return empty
      const left = withoutBytes(node.node, absent)
      return left === undefined ? undefined : { ...node, node: left }
    }
    default:
      return node
  }
}
