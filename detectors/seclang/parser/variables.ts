import type { Selector, VariableNode } from '../ast.js'
import { SecLangError } from '../errors.js'
import type { SourcePosition } from '../operator.js'
import { closingQuote, excerpt, isSpace, unescape } from './words.js'

interface Scanned<T> {
  readonly value: T
  readonly end: number
}

/** Reads a target list: `ARGS|!ARGS:/^_/|&REQUEST_HEADERS:Host|XML:/*`. Parts stand between `|` or `,`. */
export function parseVariables(text: string, position: SourcePosition): VariableNode[] {
  const nodes: VariableNode[] = []
  let at = 0
  for (;;) {
    while (at < text.length && isSpace(text.charCodeAt(at))) at++
    const { value, end } = readVariable(text, at, position)
    nodes.push(value)
    at = end
    while (at < text.length && isSpace(text.charCodeAt(at))) at++
    if (at >= text.length) return nodes
    if (text[at] !== '|' && text[at] !== ',') {
      throw new SecLangError('SECLANG_SYNTAX', `a | is missing before ${excerpt(text, at)}`, position)
    }
    at++
  }
}

function readVariable(text: string, from: number, position: SourcePosition): Scanned<VariableNode> {
  let at = from
  let count = false
  let exclude = false
  for (; text[at] === '&' || text[at] === '!'; at++) {
    if (text[at] === '&') count = true
    else exclude = true
  }
  const nameFrom = at
  while (at < text.length && isNameChar(text.charCodeAt(at))) at++
  const collection = text.slice(nameFrom, at).toUpperCase()
  if (collection === '') {
    throw new SecLangError('SECLANG_SYNTAX', `no variable name at ${excerpt(text, from)}`, position)
  }
  if (count && exclude) {
    throw new SecLangError('SECLANG_SYNTAX', `& and ! cannot stand together before ${collection}`, position)
  }
  // TX.name is an accepted old way to write TX:name.
  if (text[at] !== ':' && text[at] !== '.') return { value: { collection, count, exclude }, end: at }
  const selector = readSelector(text, at + 1, collection, position)
  return { value: { collection, selector: selector.value, count, exclude }, end: selector.end }
}

function readSelector(
  text: string,
  from: number,
  collection: string,
  position: SourcePosition,
): Scanned<Selector> {
  const first = text[from]
  if (first === "'" || first === '"') {
    const end = closingQuote(text, from + 1, first)
    if (end < 0)
      throw new SecLangError('SECLANG_SYNTAX', `the selector of ${collection} is never closed`, position)
    return { value: selectorOf(unescape(text.slice(from + 1, end), first), collection), end: end + 1 }
  }
  if (first === '/' && collection !== 'XML') {
    const end = closingQuote(text, from + 1, '/')
    if (end < 0)
      throw new SecLangError('SECLANG_SYNTAX', `the pattern of ${collection} is never closed`, position)
    return { value: { kind: 'regex', pattern: unescape(text.slice(from + 1, end), '/') }, end: end + 1 }
  }
  let at = from
  while (at < text.length && text[at] !== '|' && text[at] !== ',' && !isSpace(text.charCodeAt(at))) at++
  if (at === from) throw new SecLangError('SECLANG_SYNTAX', `${collection}: has no selector`, position)
  return { value: selectorOf(text.slice(from, at), collection), end: at }
}

function selectorOf(text: string, collection: string): Selector {
  if (collection === 'XML') return { kind: 'xpath', expression: text }
  if (text.length > 2 && text.startsWith('/') && text.endsWith('/')) {
    return { kind: 'regex', pattern: text.slice(1, -1) }
  }
  return { kind: 'key', key: text }
}

function isNameChar(code: number): boolean {
  return (
    (code >= 0x30 && code <= 0x39) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x61 && code <= 0x7a) ||
    code === 0x5f
  )
}
