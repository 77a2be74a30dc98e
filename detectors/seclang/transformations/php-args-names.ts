import type { Transformation } from '../transformation.js'

/**
 * Rewrites the name of an argument as PHP does before a script sees it: leading spaces go; space, dot and a bracket that is never closed become `_`; what
 * follows the last closed bracket is cut.
 */
export const phpArgsNames: Transformation = (value) => {
  let start = 0
  while (value.charCodeAt(start) === 32) start += 1
  const name = value.slice(start)
  if (name.startsWith('[')) return ''
  const open = name.indexOf('[')
  if (open < 0) return mangle(name)
  const close = name.indexOf(']', open)
  if (close < 0) return mangle(name.slice(0, open)) + '_' + name.slice(open + 1)
  let out = mangle(name.slice(0, open))
  let at = open
  while (name.charCodeAt(at) === 91) {
    const end = name.indexOf(']', at)
    if (end < 0) return out + name.slice(at)
    const index = name.slice(at + 1, end)
    out += '[' + (/^ +$/.test(index) ? '' : index) + ']'
    at = end + 1
  }
  return out
}

function mangle(name: string): string {
  return name.replace(/[ .]/g, '_')
}
