import type { Transformation } from '../transformation.js'
import { hexValue } from './bytes.js'

const named: ReadonlyMap<string, string> = new Map([
  ['quot', '"'],
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['nbsp', '\xa0'],
])
const name = /[A-Za-z0-9]+/y
/** `strtol` saturates there; such numbers end in 0xff. */
const saturation = 2 ** 63

/**
 * Decodes HTML character references: decimal and hexadecimal ones (the low byte counts) and `quot`, `amp`, `lt`, `gt`, `nbsp` in any case; the semicolon
 * is optional. Others stay as they are.
 */
export const htmlEntityDecode: Transformation = (value) => {
  let at = value.indexOf('&')
  if (at < 0) return value
  let out = ''
  let copied = 0
  while (at >= 0) {
    const entity = value.charCodeAt(at + 1) === 35 ? numeric(value, at + 2) : textual(value, at + 1)
    let next = entity.end
    if (entity.text !== undefined) {
      if (value.charCodeAt(next) === 59) next += 1
      out += value.slice(copied, at) + entity.text
      copied = next
    }
    at = value.indexOf('&', next)
  }
  return out + value.slice(copied)
}

interface Entity {
  readonly end: number
  readonly text?: string
}

function numeric(value: string, start: number): Entity {
  const letter = value.charCodeAt(start)
  const hexadecimal = letter === 120 || letter === 88
  const first = hexadecimal ? start + 1 : start
  const base = hexadecimal ? 16 : 10
  let at = first
  let low = 0
  let size = 0
  for (;;) {
    const digit = hexValue(value.charCodeAt(at))
    if (digit < 0 || digit >= base) break
    low = (low * base + digit) & 0xff
    size = size * base + digit
    at += 1
  }
  if (at === first) return { end: at }
  return { end: at, text: String.fromCharCode(size >= saturation ? 0xff : low) }
}

function textual(value: string, start: number): Entity {
  name.lastIndex = start
  if (!name.test(value)) return { end: start }
  const end = name.lastIndex
  const text = end - start > 4 ? undefined : named.get(value.slice(start, end).toLowerCase())
  return text === undefined ? { end } : { end, text }
}
