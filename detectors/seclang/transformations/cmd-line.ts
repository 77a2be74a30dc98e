import type { Transformation } from '../transformation.js'
import { lowercase } from './lowercase.js'

/** What becomes of a byte: 0 it stays, 1 it goes, 2 it counts as white space. */
const fate = new Uint8Array(256)
for (const char of '"\'\\^') fate[char.charCodeAt(0)] = 1
for (const char of ' ,;\t\r\n') fate[char.charCodeAt(0)] = 2

/**
 * Normalises a command line against the evasions of shells: drops backslashes, quotes and carets; turns commas, semicolons and runs of white
 * space into one space; drops the space before `/` and `(`; lowers case.
 */
export const cmdLine: Transformation = (value) => {
  let out = ''
  let copied = 0
  let at = 0
  while (at < value.length) {
    if (fateAt(value, at) === 0) {
      at += 1
      continue
    }
    const start = at
    let space = false
    for (let what = fateAt(value, at); what !== 0; what = fateAt(value, at)) {
      space ||= what === 2
      at += 1
    }
    const next = value.charCodeAt(at)
    const left = space && next !== 47 && next !== 40 ? ' ' : ''
    if (left === ' ' && at - start === 1 && value.charCodeAt(start) === 32) continue
    out += value.slice(copied, start) + left
    copied = at
  }
  return lowercase(copied === 0 ? value : out + value.slice(copied))
}

/** 0 at the end too. */
function fateAt(value: string, at: number): number {
  return at < value.length ? (fate[value.charCodeAt(at) & 255] ?? 0) : 0
}
