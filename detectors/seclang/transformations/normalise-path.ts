import type { Transformation } from '../transformation.js'

/**
 * Removes empty segments, `.` and `..` with the segment before it. A relative path keeps the `..` that have nothing before them; an absolute one
 * cannot climb above its root. A slash at the end stays.
 */
export const normalisePath: Transformation = (value) => {
  if (isNormal(value)) return value
  const absolute = value.startsWith('/')
  const kept: string[] = []
  let climbs = 0
  for (const segment of value.split('/')) {
    if (segment === '' || segment === '.') continue
    if (segment !== '..') kept.push(segment)
    else if (kept.length > climbs) kept.pop()
    else if (!absolute) {
      kept.push(segment)
      climbs += 1
    }
  }
  const body = kept.join('/')
  if (absolute && body === '') return '/'
  const tail = value.endsWith('/') && body !== '' ? '/' : ''
  return (absolute ? '/' : '') + body + tail
}

/** Whether a path shows at a glance that nothing is to be done: no segment is empty or begins with a dot. */
function isNormal(value: string): boolean {
  return !value.startsWith('.') && !value.includes('/.') && !value.includes('//')
}
