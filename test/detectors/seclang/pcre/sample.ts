import type { Node } from '../../../../detectors/seclang/pcre/ast.js'

/** A text that the tree spells when what it asserts of its surroundings is left aside; a test of the pattern says whether it matches. */
export function sample(node: Node, random: () => number): string {
  switch (node.kind) {
    case 'set': {
      const { bytes } = node.set
      return String.fromCharCode(bytes[Math.floor(random() * bytes.length)] ?? 0)
    }
    case 'cat':
      return node.items.map((item) => sample(item, random)).join('')
    case 'alt': {
      const item = node.items[Math.floor(random() * node.items.length)]
      return item === undefined ? '' : sample(item, random)
    }
    case 'repeat': {
      const most = Math.min(node.max, node.min + 3)
      const rounds = node.min + Math.floor(random() * (most - node.min + 1))
      return Array.from({ length: rounds }, () => sample(node.node, random)).join('')
    }
    case 'group':
    case 'atomic':
      return sample(node.node, random)
    case 'look':
      return node.negated || random() < 0.5 ? '' : sample(node.node, random)
    default:
      return ''
  }
}
