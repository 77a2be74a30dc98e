import type { Transformation } from '../transformation.js'

/** Replaces each C comment by one space; an unfinished one too. */
export const replaceComments: Transformation = (value) => {
  let out = ''
  let from = 0
  for (;;) {
    const start = value.indexOf('/*', from)
    if (start < 0) return out + value.slice(from)
    out += value.slice(from, start) + ' '
    const end = value.indexOf('*/', start + 2)
    if (end < 0) return out
    from = end + 2
  }
}
