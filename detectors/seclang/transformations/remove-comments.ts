import type { Transformation } from '../transformation.js'

const begin = /\/\*|--|#/

/**
 * Removes C comments and HTML comments, and everything from `--` or `#` on. The byte after a comment is kept unread (NUL at the very end) and an
 * unfinished comment leaves a space: rules were written against that.
 */
export const removeComments: Transformation = (value) => {
  if (!begin.test(value)) return value
  let out = ''
  let at = 0
  let inside = false
  while (at < value.length) {
    if (inside) {
      const length = value.startsWith('*/', at) ? 2 : value.startsWith('-->', at) ? 3 : 0
      if (length === 0) {
        at += 1
      } else {
        inside = false
        at += length
        out += at < value.length ? value.charAt(at) : '\0'
        at += 1
      }
    } else if (value.startsWith('/*', at)) {
      inside = true
      at += 2
    } else if (value.startsWith('<!--', at)) {
      inside = true
      at += 4
    } else if (value.startsWith('--', at) || value.charCodeAt(at) === 35) {
      break
    } else {
      out += value.charAt(at)
      at += 1
    }
  }
  return inside ? out + ' ' : out
}
