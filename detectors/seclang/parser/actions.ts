import type { ActionNode } from '../ast.js'
import { SecLangError } from '../errors.js'
import type { SourcePosition } from '../operator.js'
import { closingQuote, excerpt, isSpace, skipSpace, unescape } from './words.js'

/**
 * Reads an action list: `name`, `name:value`, `name:'value, quoted'`, separated by commas. The value of `setvar` and its like may also hold a
 * quoted piece of its own (`setvar:tx.a='b, c'`).
 */
export function parseActions(text: string, position: SourcePosition): ActionNode[] {
  const actions: ActionNode[] = []
  let at = skipSpace(text, 0)
  if (at >= text.length) return actions
  for (;;) {
    at = skipSpace(text, at)
    const nameFrom = at
    while (at < text.length && isNameChar(text.charCodeAt(at))) at++
    const name = text.slice(nameFrom, at).toLowerCase()
    if (name === '') {
      const what =
        at >= text.length ? 'the action list ends in a comma' : `no action name at ${excerpt(text, at)}`
      throw new SecLangError('SECLANG_SYNTAX', what, position)
    }
    at = skipSpace(text, at)
    if (text[at] === ':') {
      const value = readValue(text, skipSpace(text, at + 1), name, position)
      actions.push({ name, argument: value.text })
      at = skipSpace(text, value.end)
    } else {
      actions.push({ name })
    }
    if (at >= text.length) return actions
    if (text[at] !== ',') {
      throw new SecLangError('SECLANG_SYNTAX', `a comma is missing before ${excerpt(text, at)}`, position)
    }
    at++
  }
}

function readValue(
  text: string,
  from: number,
  name: string,
  position: SourcePosition,
): { readonly text: string; readonly end: number } {
  if (text[from] === "'") {
    const end = closingQuote(text, from + 1, "'")
    if (end < 0) throw new SecLangError('SECLANG_SYNTAX', `the quote of ${name} is never closed`, position)
    return { text: unescape(text.slice(from + 1, end), "'"), end: end + 1 }
  }
  let at = from
  while (at < text.length && text[at] !== ',') {
    if (text[at] === "'" && text[at - 1] === '=') {
      const end = closingQuote(text, at + 1, "'")
      if (end < 0) throw new SecLangError('SECLANG_SYNTAX', `the quote of ${name} is never closed`, position)
      return { text: text.slice(from, at) + unescape(text.slice(at + 1, end), "'"), end: end + 1 }
    }
    at++
  }
  return { text: text.slice(from, at).trimEnd(), end: at }
}

function isNameChar(code: number): boolean {
  return (
    !isSpace(code) &&
    ((code >= 0x30 && code <= 0x39) ||
      (code >= 0x41 && code <= 0x5a) ||
      (code >= 0x61 && code <= 0x7a) ||
      code === 0x5f ||
      code === 0x2d)
  )
}
