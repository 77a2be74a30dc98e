import type { Assertion, Node, Pattern } from './ast.js'
import { cat, empty } from './ast.js'
import { ByteSet } from './byte-set.js'
import { readClass } from './char-class.js'
import { anyByte, notLineFeed, shorthand, verticalBytes } from './classes.js'
import { Cursor } from './cursor.js'
import { byteEscape } from './escapes.js'

interface Flags {
  readonly caseless: boolean
  readonly dotAll: boolean
  readonly multiline: boolean
  readonly extended: boolean
}

const limit = 65535
const maxDepth = 250
const quantifier = /\{(\d{1,9})(,(\d{0,9}))?\}/y
const flagSet = /\?\^?([a-zA-Z]*)(?:-([a-zA-Z]*))?([:)])/y
const groupName = /(?:\?P?<([A-Za-z_]\w*)>|\?'([A-Za-z_]\w*)')/y
const reference =
  /([1-9]\d*)|g(\d+)|g\{(-?\d+)\}|g-(\d+)|(?:g\{([A-Za-z_]\w*)\}|k\{([A-Za-z_]\w*)\}|k<([A-Za-z_]\w*)>|k'([A-Za-z_]\w*)')/y
const namedBackreference = /\?P=([A-Za-z_]\w*)\)/y
const end = asserting('end')
const lineFeed: Node = { kind: 'set', set: ByteSet.of(10) }
const beforeLastLineFeed: Node = { kind: 'look', ahead: true, negated: false, node: cat([lineFeed, end]) }
const assertions: ReadonlyMap<string, Node> = new Map([
  ['b', asserting('wordBoundary')],
  ['B', asserting('notWordBoundary')],
  ['A', asserting('start')],
  ['z', end],
  ['Z', { kind: 'alt', items: [end, beforeLastLineFeed] }],
])
// PCRE: after a line feed, but not after one that ends the value.
const lineStart: Node = {
  kind: 'alt',
  items: [asserting('start'), cat([asserting('afterLine'), asserting('notEnd')])],
}
const lineEnd: Node = { kind: 'alt', items: [end, asserting('beforeLine')] }

/**
 * Parses PCRE syntax as `@rx` gives it to PCRE: dot matches any byte (`PCRE_DOTALL`) and `$` the very end only (`PCRE_DOLLAR_ENDONLY`). Throws
 * `PatternError` for what PCRE refuses and for recursion, conditionals, verbs, callouts, branch reset, Unicode properties and duplicate names.
 */
export function parsePattern(source: string): Pattern {
  return new Parser(source).parse()
}

class Parser {
  readonly #cursor: Cursor
  readonly #names = new Map<string, number>()
  readonly #total: number
  #groups = 0
  #depth = 0

  constructor(source: string) {
    this.#cursor = new Cursor(source)
    this.#total = countGroups(source)
  }

  parse(): Pattern {
    if (this.#cursor.peek() === '(' && this.#cursor.peek(1) === '*')
      this.#cursor.fail('verbs such as (*UTF) are not supported')
    const flags: Flags = { caseless: false, dotAll: true, multiline: false, extended: false }
    const root = this.#alternatives(flags)
    if (!this.#cursor.done) this.#cursor.fail('a ) closes nothing')
    return { root, groups: this.#groups, names: this.#names }
  }

  #alternatives(outer: Flags): Node {
    const cursor = this.#cursor
    this.#depth += 1
    if (this.#depth > maxDepth) cursor.fail('groups are nested too deeply')
    let flags = outer
    const branches: Node[] = []
    let items: Node[] = []
    while (!cursor.done && cursor.peek() !== ')') {
      if (cursor.accept('|')) {
        branches.push(cat(items))
        items = []
        continue
      }
      const changed = this.#inlineFlags(flags)
      if (changed !== undefined) {
        flags = changed
        continue
      }
      this.#item(flags, items)
    }
    this.#depth -= 1
    branches.push(cat(items))
    const [only] = branches
    return branches.length === 1 && only !== undefined ? only : { kind: 'alt', items: branches }
  }

  /** `(?i)` holds to the end of the group, also over `|`. */
  #inlineFlags(flags: Flags): Flags | undefined {
    const cursor = this.#cursor
    if (cursor.peek() !== '(' || cursor.peek(1) !== '?') return undefined
    const start = cursor.at
    cursor.take()
    const found = cursor.match(flagSet)
    if (found?.[3] !== ')') {
      cursor.at = start
      return undefined
    }
    return this.#withFlags(flags, found)
  }

  #withFlags(flags: Flags, found: RegExpExecArray): Flags {
    const base = found[0].startsWith('?^')
      ? { ...flags, caseless: false, dotAll: false, multiline: false, extended: false }
      : flags
    let result: Flags = base
    for (const [letters, on] of [
      [found[1] ?? '', true],
      [found[2] ?? '', false],
    ] as const) {
      for (const letter of letters) {
        if (letter === 'i') result = { ...result, caseless: on }
        else if (letter === 's') result = { ...result, dotAll: on }
        else if (letter === 'm') result = { ...result, multiline: on }
        else if (letter === 'x') result = { ...result, extended: on }
        else this.#cursor.fail(`flag ${letter} is not supported`)
      }
    }
    return result
  }

  #item(flags: Flags, items: Node[]): void {
    const cursor = this.#cursor
    if (this.#skipUnseen(flags)) return
    if (cursor.accept('\\Q')) {
      const end = cursor.text.indexOf('\\E', cursor.at)
      const text = end < 0 ? cursor.text.slice(cursor.at) : cursor.text.slice(cursor.at, end)
      cursor.at = end < 0 ? cursor.text.length : end + 2
      for (let at = 0; at < text.length; at++) items.push(byteNode(text.charCodeAt(at), flags))
      const last = text === '' ? undefined : items.pop()
      if (last !== undefined) items.push(this.#quantified(last, flags))
      return
    }
    items.push(this.#quantified(this.#atom(flags), flags))
  }

  /** Skips what says nothing: a quantifier behind it belongs to what stands before it. */
  #skipUnseen(flags: Flags): boolean {
    const cursor = this.#cursor
    const start = cursor.at
    for (;;) {
      if (cursor.accept('\\Q\\E') || cursor.accept('\\E')) continue
      if (flags.extended && this.#skipExtended()) continue
      if (!cursor.accept('(?#')) return cursor.at > start
      cursor.until(')', 'a comment')
    }
  }

  #skipExtended(): boolean {
    const cursor = this.#cursor
    const start = cursor.at
    while (!cursor.done) {
      if (/[\t-\r ]/.test(cursor.peek())) cursor.take()
      else if (cursor.peek() === '#') {
        const end = cursor.text.indexOf('\n', cursor.at)
        cursor.at = end < 0 ? cursor.text.length : end + 1
      } else break
    }
    return cursor.at > start
  }

  #quantified(node: Node, flags: Flags): Node {
    const cursor = this.#cursor
    this.#skipUnseen(flags)
    const bounds = this.#bounds()
    if (bounds === undefined) return node
    if (node.kind === 'keep') cursor.fail('\\K cannot be repeated')
    this.#skipUnseen(flags)
    const lazy = cursor.accept('?')
    const possessive = !lazy && cursor.accept('+')
    this.#skipUnseen(flags)
    // PCRE refuses a second quantifier such as `a**`.
    if (this.#bounds() !== undefined) cursor.fail('a quantifier follows a quantifier')
    const repeat: Node = { kind: 'repeat', node, ...bounds, mode: lazy ? 'lazy' : 'greedy' }
    return possessive ? { kind: 'atomic', node: repeat } : repeat
  }

  #bounds(): { min: number; max: number } | undefined {
    const cursor = this.#cursor
    if (cursor.accept('*')) return { min: 0, max: Infinity }
    if (cursor.accept('+')) return { min: 1, max: Infinity }
    if (cursor.accept('?')) return { min: 0, max: 1 }
    const found = cursor.match(quantifier)
    if (found === undefined) return undefined
    const min = Number(found[1])
    const max = found[2] === undefined ? min : found[3] === '' ? Infinity : Number(found[3])
    if (min > limit || (max !== Infinity && max > limit)) cursor.fail(`a repeat count exceeds ${limit}`)
    if (max < min) cursor.fail('the counts of a repeat are out of order')
    return { min, max }
  }

  #atom(flags: Flags): Node {
    const cursor = this.#cursor
    const char = cursor.take()
    switch (char) {
      case '.':
        return { kind: 'set', set: flags.dotAll ? anyByte : notLineFeed }
      case '^':
        return flags.multiline ? lineStart : asserting('start')
      case '$':
        return flags.multiline ? lineEnd : end
      case '[':
        return { kind: 'set', set: readClass(cursor, flags.caseless) }
      case '(':
        return this.#group(flags)
      case '\\':
        return this.#escape(flags)
      case '*':
      case '+':
      case '?':
        return cursor.fail(`${char} repeats nothing`)
      case '{':
        cursor.at -= 1
        if (cursor.match(quantifier) !== undefined) cursor.fail('a count in braces repeats nothing')
        cursor.take()
        return byteNode(char.charCodeAt(0), flags)
      default:
        return byteNode(char.charCodeAt(0), flags)
    }
  }

  #escape(flags: Flags): Node {
    const cursor = this.#cursor
    const letter = cursor.peek()
    const named = shorthand(letter)
    if (named !== undefined) {
      cursor.take()
      return { kind: 'set', set: named }
    }
    const assertion = assertions.get(letter)
    if (assertion !== undefined) {
      cursor.take()
      return assertion
    }
    if (letter === 'C') {
      cursor.take()
      return { kind: 'set', set: anyByte }
    }
    if (letter === 'K') {
      cursor.take()
      return { kind: 'keep' }
    }
    if (letter === 'R') {
      cursor.take()
      const crlf = cat([byteNode(13, flags), byteNode(10, flags)])
      return { kind: 'atomic', node: { kind: 'alt', items: [crlf, { kind: 'set', set: verticalBytes }] } }
    }
    if ((letter >= '1' && letter <= '9') || letter === 'g' || letter === 'k') return this.#reference(flags)
    const byte = byteEscape(cursor)
    if (byte === undefined) return cursor.fail(`\\${letter} is not supported`)
    return byteNode(byte, flags)
  }

  #reference(flags: Flags): Node {
    const cursor = this.#cursor
    const start = cursor.at
    const found = cursor.match(reference)
    if (found === undefined) return cursor.fail('a back-reference names no group')
    const plain = found[1]
    if (plain !== undefined && Number(plain) > 9 && Number(plain) > this.#total && plain < '8') {
      cursor.at = start
      const octal = cursor.match(/[0-7]{1,3}/y)
      if (octal !== undefined) return byteNode(parseInt(octal[0], 8) & 255, flags)
    }
    const name = found[5] ?? found[6] ?? found[7] ?? found[8]
    const relative = found[4] === undefined ? Number(found[3] ?? 0) : -Number(found[4])
    let index: number
    if (name !== undefined)
      index = this.#names.get(name) ?? cursor.fail(`a back-reference names the unknown group ${name}`)
    else if (relative < 0) index = this.#groups + 1 + relative
    else index = Number(plain ?? found[2] ?? found[3])
    if (index < 1 || index > this.#total)
      return cursor.fail(`a back-reference names the missing group ${index}`)
    return { kind: 'backreference', index, caseless: flags.caseless }
  }

  #group(flags: Flags): Node {
    const cursor = this.#cursor
    if (cursor.peek() === '*') cursor.fail('verbs are not supported')
    const named = cursor.match(groupName)
    if (named !== undefined) {
      const name = named[1] ?? named[2] ?? ''
      if (this.#names.has(name)) cursor.fail(`two groups are named ${name}`)
      this.#names.set(name, this.#groups + 1)
      return this.#capture(flags)
    }
    if (cursor.peek() !== '?') return this.#capture(flags)
    const backreference = cursor.match(namedBackreference)
    if (backreference !== undefined) {
      const index = this.#names.get(backreference[1] ?? '')
      if (index === undefined) return cursor.fail('a back-reference names an unknown group')
      return { kind: 'backreference', index, caseless: flags.caseless }
    }
    if (cursor.accept('?>')) return { kind: 'atomic', node: this.#closed(flags) }
    if (cursor.accept('?=')) return { kind: 'look', ahead: true, negated: false, node: this.#closed(flags) }
    if (cursor.accept('?!')) return { kind: 'look', ahead: true, negated: true, node: this.#closed(flags) }
    if (cursor.accept('?<=')) return { kind: 'look', ahead: false, negated: false, node: this.#closed(flags) }
    if (cursor.accept('?<!')) return { kind: 'look', ahead: false, negated: true, node: this.#closed(flags) }
    const flagged = cursor.match(flagSet)
    if (flagged === undefined) return cursor.fail('this kind of (? group is not supported')
    const inner = this.#withFlags(flags, flagged)
    // `(?i)` in front of a quantifier: an empty item.
    return flagged[3] === ')' ? empty : this.#closed(inner)
  }

  #capture(flags: Flags): Node {
    this.#groups += 1
    const index = this.#groups
    return { kind: 'group', index, node: this.#closed(flags) }
  }

  #closed(flags: Flags): Node {
    const node = this.#alternatives(flags)
    if (!this.#cursor.accept(')')) this.#cursor.fail('a ( is not closed by )')
    return node
  }
}

function asserting(what: Assertion): Node {
  return { kind: 'assert', what }
}

function byteNode(byte: number, flags: Flags): Node {
  const set = ByteSet.of(byte)
  return { kind: 'set', set: flags.caseless ? set.withBothCases() : set }
}

/** Counts capturing groups ahead of parsing: `\10` is a back-reference only when there are ten. */
function countGroups(source: string): number {
  let count = 0
  const opening =
    /\\Q(?:[^\\]|\\(?!E))*(?:\\E)?|\\[^]|\[\^?\]?(?:\[:\^?[a-z]+:\]|\\[^]|[^\]\\])*\]|\((?:\?P?<[A-Za-z_]|\?'|(?![?*]))/g
  for (const found of source.matchAll(opening)) if (found[0].startsWith('(')) count += 1
  return count
}
