import type { Cursor } from './cursor.js'

const hexBraced = /\{([0-9a-fA-F]{1,8})\}/y
const octalBraced = /\{([0-7]{1,8})\}/y
const hexPlain = /[0-9a-fA-F]{0,2}/y
const octalTwo = /[0-7]{0,2}/y

/**
 * Reads an escape that names one byte, the cursor standing behind the backslash: `\n`, `\x41`, `\x{41}`, `\012`, `\o{12}`, `\cA`, or an escaped
 * non-alphanumeric byte. Gives undefined, consuming nothing, when it is none. A code above 255 is refused: patterns match bytes.
 */
export function byteEscape(cursor: Cursor): number | undefined {
  const letter = cursor.peek()
  if (!/[A-Za-z0-9]/.test(letter)) {
    if (letter === '') cursor.fail('a backslash ends the pattern')
    cursor.take()
    return letter.charCodeAt(0)
  }
  switch (letter) {
    case 'a':
      return skip(cursor, 7)
    case 'e':
      return skip(cursor, 27)
    case 'f':
      return skip(cursor, 12)
    case 'n':
      return skip(cursor, 10)
    case 'r':
      return skip(cursor, 13)
    case 't':
      return skip(cursor, 9)
    case 'x': {
      cursor.take()
      if (cursor.peek() === '{') {
        const braced = cursor.match(hexBraced)
        if (braced === undefined) return cursor.fail('\\x{ needs hexadecimal digits and }')
        return byte(cursor, parseInt(braced[1] ?? '', 16))
      }
      return parseInt(cursor.match(hexPlain)?.[0] ?? '', 16) || 0
    }
    case 'o': {
      cursor.take()
      const braced = cursor.match(octalBraced)
      if (braced === undefined) return cursor.fail('\\o needs octal digits in braces')
      return byte(cursor, parseInt(braced[1] ?? '', 8))
    }
    case 'c': {
      cursor.take()
      const control = cursor.take()
      if (control < ' ' || control > '~') return cursor.fail('\\c needs a printable ASCII byte')
      return control.toUpperCase().charCodeAt(0) ^ 64
    }
    case '0':
      cursor.take()
      return parseInt(cursor.match(octalTwo)?.[0] ?? '', 8) || 0
    default:
      return undefined
  }
}

function skip(cursor: Cursor, code: number): number {
  cursor.take()
  return code
}

function byte(cursor: Cursor, code: number): number {
  return code <= 255 ? code : cursor.fail(`code ${code} is no byte`)
}
