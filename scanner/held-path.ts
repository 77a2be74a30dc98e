import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { messageOf } from '../runtime/errors.js'
import { ScanError } from './errors.js'
import { isTruePlace, placeOf } from './true-place.js'

const SLASH = 0x2f

/**
 * A file named through an open descriptor of its folder (`/proc/self/fd/N/name`): whoever renames or swaps a folder above
 * it afterwards does not change which file is meant.
 */
export interface HeldPath {
  readonly folder: FileHandle
  /** Path of the file through the descriptor. */
  readonly path: Buffer
  /** The absolute path without links, as it was when the folder was opened. */
  readonly real: Buffer
}

/**
 * Opens the folder of an absolute path. Close `folder` when done.
 * @throws ScanError `QUARANTINE_TARGET` for what names no file, and when somebody else's link may lead to the folder
 */
export async function holdParent(path: Buffer): Promise<HeldPath> {
  const slash = path.lastIndexOf(SLASH)
  const name = path.subarray(slash + 1)
  if (
    path[0] !== SLASH ||
    name.length === 0 ||
    name.equals(Buffer.from('.')) ||
    name.equals(Buffer.from('..'))
  )
    throw new ScanError('QUARANTINE_TARGET', `${path.toString()} does not name a file by its absolute path`)
  const parent = slash === 0 ? Buffer.from('/') : path.subarray(0, slash)
  let folder
  try {
    folder = await open(parent, constants.O_RDONLY | constants.O_DIRECTORY)
  } catch (cause) {
    throw new ScanError('QUARANTINE_IO', `cannot open the folder ${parent.toString()}`, { cause })
  }
  try {
    const place = placeOf(folder.fd)
    if (!isTruePlace(parent, place))
      throw new ScanError(
        'QUARANTINE_TARGET',
        `somebody else's link leads from ${parent.toString()} to ${place.toString()}`,
      )
    const join = (start: Buffer): Buffer =>
      Buffer.concat(start.at(-1) === SLASH ? [start, name] : [start, Buffer.from('/'), name])
    return { folder, path: join(Buffer.from(`/proc/self/fd/${folder.fd}`)), real: join(place) }
  } catch (cause) {
    await folder.close()
    if (cause instanceof ScanError) throw cause
    throw new ScanError('QUARANTINE_IO', `cannot tell where ${parent.toString()} lies: ${messageOf(cause)}`, {
      cause,
    })
  }
}
