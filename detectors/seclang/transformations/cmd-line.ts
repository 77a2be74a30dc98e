import type { Transformation } from '../transformation.js'

/**
 * Normalises a command line against the evasions of shells: drops backslashes, quotes and carets; turns commas, semicolons and runs of white
 * space into one space; drops the space before `/` and `(`; lowers case.
 */
export const cmdLine: Transformation = (value) => {
  let out = ''
  let pendingSpace = false
  for (let at = 0; at < value.length; at++) {
    const char = value.charAt(at)
    switch (char) {
      case '"':
      case "'":
      case '\\':
      case '^':
        break
      case ' ':
      case ',':
      case ';':
      case '\t':
      case '\r':
      case '\n':
        pendingSpace = true
        break
      case '/':
      case '(':
        pendingSpace = false
        out += char
        break
      default: {
        if (pendingSpace) out += ' '
        pendingSpace = false
        const code = value.charCodeAt(at)
        out += code >= 65 && code <= 90 ? String.fromCharCode(code + 32) : char
      }
    }
  }
  return pendingSpace ? out + ' ' : out
}
