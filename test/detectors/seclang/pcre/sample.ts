import type { Node } from '../../../../detectors/seclang/pcre/ast.js'

/** A string that a tree may match: assertions are left to chance. */
export function sample(node: Node, random: () => number): string {
  const choose = (count: number): number => Math.floor(random() * count)
  switch (node.kind) {
    case 'set': {
      const { bytes } = node.set
      const visible = bytes.filter((byte) => byte > 31 && byte < 127)
      const from = visible.length > 0 && random() < 0.9 ? visible : bytes
      return String.fromCharCode(from[choose(from.length)] ?? 0)
    }
    case 'cat':
      return node.items.map((item) => sample(item, random)).join('')
    case 'alt':
      return sample(node.items[choose(node.items.length)] ?? { kind: 'empty' }, random)
    case 'repeat': {
      const times = node.min + choose(Math.min(node.max - node.min, 2) + 1)
      return Array.from({ length: Math.min(times, 300) }, () => sample(node.node, random)).join('')
    }
    case 'group':
    case 'atomic':
      return sample(node.node, random)
    case 'look':
      return node.negated ? '' : sample(node.node, random)
    default:
      return ''
  }
}
