import type { Assertion, Node } from './ast.js'
import { ByteSet } from './byte-set.js'
import { anyByte } from './classes.js'

/** What a node can begin with. */
export interface Firsts {
  readonly set: ByteSet
  /** True when it can match without consuming a byte. */
  readonly nullable: boolean
  /** True when it asserts something of its surroundings before its first byte. */
  readonly asserts: boolean
}

const nothing = new ByteSet()

/** Computes what a node can begin with; never too little. */
export function firstsOf(node: Node): Firsts {
  switch (node.kind) {
    case 'empty':
    case 'keep':
      return { set: nothing, nullable: true, asserts: false }
    case 'set':
      return { set: node.set, nullable: false, asserts: false }
    case 'cat':
      return sequence(node.items)
    case 'alt': {
      const set = new ByteSet()
      let nullable = false
      let asserts = false
      for (const item of node.items) {
        const firsts = firstsOf(item)
        set.addAll(firsts.set)
        nullable ||= firsts.nullable
        asserts ||= firsts.asserts
      }
      return { set, nullable, asserts }
    }
    case 'repeat': {
      const firsts = firstsOf(node.node)
      return { ...firsts, nullable: firsts.nullable || node.min === 0 }
    }
    case 'group':
    case 'atomic':
      return firstsOf(node.node)
    case 'assert':
    case 'look':
      return { set: nothing, nullable: true, asserts: true }
    case 'backreference':
      return { set: anyByte, nullable: true, asserts: false }
  }
}

/** The same for nodes that follow each other. */
export function sequence(items: readonly Node[]): Firsts {
  const set = new ByteSet()
  let asserts = false
  for (const item of items) {
    const firsts = firstsOf(item)
    set.addAll(firsts.set)
    asserts ||= firsts.asserts
    if (!firsts.nullable) return { set, nullable: false, asserts }
  }
  return { set, nullable: true, asserts }
}

/** True when a node can match at the start of the value only. */
export function isAnchored(node: Node): boolean {
  return asserts(node, 'start', (items) => items[0])
}

/** True when a match of the node can end at the end of the value only. */
export function isAnchoredAtEnd(node: Node): boolean {
  return asserts(node, 'end', (items) => items.at(-1))
}

/** Whether every way to match a node asserts something on one side of it. */
function asserts(
  node: Node,
  what: Assertion,
  outermost: (items: readonly Node[]) => Node | undefined,
): boolean {
  switch (node.kind) {
    case 'assert':
      return node.what === what
    case 'cat': {
      const item = outermost(node.items)
      return item !== undefined && asserts(item, what, outermost)
    }
    case 'alt':
      return node.items.every((item) => asserts(item, what, outermost))
    case 'group':
      return asserts(node.node, what, outermost)
    default:
      return false
  }
}
