import { lstatSync, readlinkSync, type Stats } from 'node:fs'
import { resolve } from 'node:path'

/**
 * A path leads through folders in which others may write, so one of them can turn into a link between the walk that met a
 * file and the moment it is opened. Node cannot open a path without following such links (openat2(2)); but the kernel tells
 * where an open file lies, and that is compared with where it should.
 */

/** Links that one path may lead through, as in the kernel. */
const MOST_LINKS = 40
const OTHERS_MAY_WRITE = 0o022
const STICKY = 0o1000

/** What the kernel puts behind the place of a file whose name was taken away since it was opened. */
const REMOVED = Buffer.from(' (deleted)')

/**
 * Where an open file or folder lies now, without links.
 * @throws the system's error where there is no /proc
 */
export const placeOf = (descriptor: number): Buffer =>
  readlinkSync(`/proc/self/fd/${descriptor}`, { encoding: 'buffer' })

/**
 * Whether what was opened by a path, its last name without following a link, lies where the path says. Links above it count
 * as part of the path when nobody but root and ourselves can have put them there: then they are the operator's.
 * @param place {@link placeOf} the open file
 */
export function isTruePlace(path: Buffer, place: Buffer): boolean {
  const isThere = (expected: Buffer): boolean =>
    place.equals(expected) ||
    (place.length === expected.length + REMOVED.length && place.equals(Buffer.concat([expected, REMOVED])))
  if (isThere(path)) return true
  try {
    const followed = followTrusted(path)
    return followed !== undefined && isThere(followed)
  } catch {
    // What is gone meanwhile does not lie there.
    return false
  }
}

/** The path without links; undefined when one of them may be somebody else's. */
function followTrusted(path: Buffer): Buffer | undefined {
  // One character a byte, so that names stay what they are.
  const names = path.toString('latin1').split('/')
  if (path[0] !== 0x2f) names.unshift(...Buffer.from(resolve('.')).toString('latin1').split('/'))
  const own = new Set([0, process.geteuid?.()])
  const isClosed = ({ uid, mode }: Stats): boolean =>
    own.has(uid) && ((mode & OTHERS_MAY_WRITE) === 0 || (mode & STICKY) !== 0)
  let at = ''
  let links = 0
  // Below a folder of somebody else nothing is what it was a moment ago.
  let isTrusted = isClosed(lstatSync('/'))
  for (let name = names.shift(); name !== undefined; name = names.shift()) {
    if (name === '' || name === '.') continue
    if (name === '..') {
      at = at.slice(0, Math.max(0, at.lastIndexOf('/')))
      continue
    }
    const next = bytes(`${at}/${name}`)
    const stat = lstatSync(next)
    if (!stat.isSymbolicLink()) {
      at += `/${name}`
      if (stat.isDirectory()) isTrusted &&= isClosed(stat)
      continue
    }
    if (++links > MOST_LINKS || !isTrusted || !own.has(stat.uid)) return undefined
    const target = readlinkSync(next, { encoding: 'buffer' }).toString('latin1')
    if (target.startsWith('/')) at = ''
    names.unshift(...target.split('/'))
  }
  return bytes(at === '' ? '/' : at)
}

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')
