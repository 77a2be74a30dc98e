import { ByteSet } from './byte-set.js'
import { posixClass, shorthand } from './classes.js'
import type { Cursor } from './cursor.js'
import { byteEscape } from './escapes.js'

const posix = /\[:(\^?)([a-z]+):\]/y
const octal = /[0-7]{1,3}/y

/** One member of a class: a byte that may start a range, or a whole set. */
type Member = number | ByteSet

/** Reads a bracketed class, the cursor standing behind `[`. With `caseless`, both cases of each letter belong to it before it is negated. */
export function readClass(cursor: Cursor, caseless: boolean): ByteSet {
  const negated = cursor.accept('^')
  const set = new ByteSet()
  let first = true
  let quoted = false
  for (;;) {
    if (cursor.done) cursor.fail('a [ class is not closed by ]')
    if (quoted) {
      if (cursor.accept('\\E')) quoted = false
      else set.add(cursor.take().charCodeAt(0))
      continue
    }
    if (cursor.accept('\\Q')) {
      quoted = true
      continue
    }
    if (cursor.accept('\\E')) continue
    if (!first && cursor.accept(']')) break
    first = false
    const from = readMember(cursor)
    if (typeof from !== 'number') {
      set.addAll(from)
      continue
    }
    const isRange = cursor.peek() === '-' && cursor.peek(1) !== ']' && cursor.peek(1) !== ''
    if (!isRange) {
      set.add(from)
      continue
    }
    const hyphen = cursor.at
    cursor.take()
    const to = readMember(cursor)
    if (typeof to === 'number') {
      if (to < from) cursor.fail('a range in a class runs backwards')
      set.addRange(from, to)
    } else {
      // `a-\d` has no range: the hyphen stands for itself.
      cursor.at = hyphen + 1
      set.add(from)
      set.add(45)
    }
  }
  const cased = caseless ? set.withBothCases() : set
  return negated ? cased.complement() : cased
}

function readMember(cursor: Cursor): Member {
  const found = cursor.match(posix)
  if (found !== undefined) {
    const named = posixClass(found[2] ?? '')
    if (named === undefined) return cursor.fail(`unknown POSIX class [:${found[2] ?? ''}:]`)
    return found[1] === '^' ? named.complement() : named
  }
  const char = cursor.take()
  if (char !== '\\') return char.charCodeAt(0)
  const letter = cursor.peek()
  if (letter === 'b') {
    cursor.take()
    return 8
  }
  const named = letter === 'N' ? undefined : shorthand(letter)
  if (named !== undefined) {
    cursor.take()
    return named
  }
  if (letter >= '1' && letter <= '7') return parseInt(cursor.match(octal)?.[0] ?? '', 8) & 255
  const byte = byteEscape(cursor)
  return byte ?? cursor.fail(`\\${letter} means nothing in a class`)
}
