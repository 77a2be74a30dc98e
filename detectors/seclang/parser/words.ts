import { SecLangError } from '../errors.js'
import type { SourcePosition } from '../operator.js'

/**
 * Splits a directive into words. A word in double or single quotes may hold anything; inside it a backslash before that quote makes it
 * literal, any other backslash stays (patterns keep theirs).
 */
export function splitWords(line: string, position: SourcePosition): string[] {
  const words: string[] = []
  let at = 0
  for (;;) {
    at = skipSpace(line, at)
    if (at >= line.length) return words
    const quote = line[at]
    if (quote === '"' || quote === "'") {
      const end = closingQuote(line, at + 1, quote)
      if (end < 0) throw new SecLangError('SECLANG_SYNTAX', `${quote} is never closed`, position)
      words.push(unescape(line.slice(at + 1, end), quote))
      at = end + 1
      if (at < line.length && !isSpace(line.charCodeAt(at))) {
        throw new SecLangError(
          'SECLANG_SYNTAX',
          `text right after a closing ${quote}: ${excerpt(line, at)}`,
          position,
        )
      }
    } else {
      const from = at
      while (at < line.length && !isSpace(line.charCodeAt(at))) at++
      words.push(line.slice(from, at))
    }
  }
}

/** Index of the quote that closes, or -1; a backslash takes the next character with it. */
export function closingQuote(text: string, from: number, quote: string): number {
  for (let at = from; at < text.length; at++) {
    const char = text[at]
    if (char === '\\') at++
    else if (char === quote) return at
  }
  return -1
}

/** Drops the backslash before `quote`. */
export function unescape(text: string, quote: string): string {
  if (!text.includes('\\' + quote)) return text
  const parts: string[] = []
  let from = 0
  for (let at = text.indexOf('\\'); at >= 0; at = text.indexOf('\\', at + 2)) {
    if (text[at + 1] !== quote) continue
    parts.push(text.slice(from, at))
    from = at + 1
  }
  parts.push(text.slice(from))
  return parts.join('')
}

export function skipSpace(text: string, from: number): number {
  let at = from
  while (at < text.length && isSpace(text.charCodeAt(at))) at++
  return at
}

export function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d)
}

/** A short piece of the source for an error message. */
export function excerpt(text: string, from: number): string {
  return JSON.stringify(text.slice(from, from + 40))
}
