import { closeSync, constants, fstatSync, openSync, readSync, type BigIntStats } from 'node:fs'
import { codeOf } from '../runtime/errors.js'
import { isTruePlace, placeOf } from './true-place.js'

/** Why a path was not read. */
export type Unread =
  | {
      readonly kind: 'skipped'
      readonly rule: 'symbolic_link' | 'fifo' | 'socket' | 'device' | 'not_a_file' | 'too_large'
      readonly detail: string
    }
  | { readonly kind: 'error'; readonly rule: string; readonly detail: string }

export interface ReadFile {
  readonly kind: 'read'
  readonly content: Buffer
  readonly stat: BigIntStats
}

/**
 * Reads a regular file through one descriptor: a link is not followed, neither as the file nor, where others may write, as a
 * folder above it; a FIFO does not block; and a file that changes while it is read is an error, because no verdict on it
 * would be true.
 * @param maxSize bytes; a larger file is skipped by name, never read in part
 */
export function readRegularFile(path: Buffer, maxSize: number): ReadFile | Unread {
  let descriptor: number
  try {
    descriptor = openSync(
      path,
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY,
    )
  } catch (error) {
    const code = codeOf(error) ?? 'UNKNOWN'
    if (code === 'ELOOP') return { kind: 'skipped', rule: 'symbolic_link', detail: 'links are not followed' }
    if (code === 'ENXIO') return { kind: 'skipped', rule: 'socket', detail: 'not a regular file' }
    return { kind: 'error', rule: code, detail: `cannot open: ${code}` }
  }
  try {
    const stat = fstatSync(descriptor, { bigint: true })
    if (stat.isFIFO()) return { kind: 'skipped', rule: 'fifo', detail: 'not a regular file' }
    if (stat.isSocket()) return { kind: 'skipped', rule: 'socket', detail: 'not a regular file' }
    if (stat.isCharacterDevice() || stat.isBlockDevice())
      return { kind: 'skipped', rule: 'device', detail: 'not a regular file' }
    if (!stat.isFile()) return { kind: 'skipped', rule: 'not_a_file', detail: 'not a regular file' }
    if (!isTruePlace(path, placeOf(descriptor)))
      return { kind: 'error', rule: 'FOLDER_LINK', detail: 'a folder above it is a link, or it was moved' }
    if (stat.size > BigInt(maxSize))
      return { kind: 'skipped', rule: 'too_large', detail: `${stat.size} bytes, the limit is ${maxSize}` }
    const content = readAll(descriptor, Number(stat.size))
    const after = fstatSync(descriptor, { bigint: true })
    if (BigInt(content.length) !== stat.size || after.size !== stat.size || after.mtimeNs !== stat.mtimeNs)
      return { kind: 'error', rule: 'CHANGED', detail: 'the file changed while it was read' }
    return { kind: 'read', content, stat }
  } catch (error) {
    return {
      kind: 'error',
      rule: codeOf(error) ?? 'UNKNOWN',
      detail: `cannot read: ${codeOf(error) ?? 'UNKNOWN'}`,
    }
  } finally {
    closeSync(descriptor)
  }
}

/** Reads up to `size` bytes, and one more to notice that the file grew. */
function readAll(descriptor: number, size: number): Buffer {
  const buffer = Buffer.allocUnsafe(size + 1)
  let length = 0
  while (length < buffer.length) {
    const read = readSync(descriptor, buffer, length, buffer.length - length, null)
    if (read === 0) break
    length += read
  }
  return buffer.subarray(0, length)
}
