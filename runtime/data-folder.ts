import { chmodSync, constants, lstatSync, mkdirSync } from 'node:fs'
import { link, open, rename, unlink } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { dirname, join, resolve } from 'node:path'

import { codeOf, messageOf, RuntimeError } from './errors.js'

const FOLDER_MODE = 0o700
const FILE_MODE = 0o600
const OTHERS = 0o077
const MAX_KEY_FILE_BYTES = 64 * 1024

/**
 * Makes a folder that only its owner may enter, with the parents that are missing. A link in its place is refused, and a
 * folder that others may read is closed to them.
 *
 * @returns the absolute path
 * @throws RuntimeError `DATA_FOLDER_LINK`, `DATA_FOLDER_OWNER`, `DATA_FOLDER_UNWRITABLE`
 */
export const privateFolderSync = (...segments: readonly string[]): string => {
  const path = resolve(join(...segments))
  try {
    mkdirSync(path, { recursive: true, mode: FOLDER_MODE })
  } catch (error) {
    if (codeOf(error) !== 'EEXIST')
      throw new RuntimeError(
        'DATA_FOLDER_UNWRITABLE',
        `cannot make the folder ${path}: ${messageOf(error)}`,
        {
          cause: error,
        },
      )
  }
  const stat = lstatSync(path)
  if (stat.isSymbolicLink() || !stat.isDirectory())
    throw new RuntimeError('DATA_FOLDER_LINK', `${path} is not a folder of its own but a link or a file`)
  if (process.getuid !== undefined && stat.uid !== process.getuid())
    throw new RuntimeError(
      'DATA_FOLDER_OWNER',
      `the folder ${path} belongs to user ${stat.uid}, not to this process`,
    )
  if ((stat.mode & OTHERS) !== 0) chmodSync(path, FOLDER_MODE)
  return path
}

/** {@link privateFolderSync} as a promise, so that a failure rejects. */
export const privateFolder = async (...segments: readonly string[]): Promise<string> =>
  privateFolderSync(...segments)

/** Makes the entries of a folder durable. */
export const syncFolder = async (path: string): Promise<void> => {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * Writes a private file (0600) whole or not at all: beside its place, fsynced, then renamed over it; the folder is fsynced
 * last. A link in its place is replaced, never followed.
 */
export const writePrivateFile = async (path: string, content: string | Uint8Array): Promise<void> => {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  const handle = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, FILE_MODE)
  try {
    try {
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await unlink(temporary).catch(() => undefined)
    throw error
  }
  await syncFolder(dirname(path))
}

/**
 * Creates a private file (0600) that must not exist yet, so that two processes cannot both make the same key. It appears
 * whole or not at all: a crash leaves no key cut short.
 *
 * @returns false when there is one already
 */
export const createPrivateFile = async (path: string, content: string | Uint8Array): Promise<boolean> => {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  const handle = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, FILE_MODE)
  try {
    try {
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    // A second name for the finished file: unlike a rename this cannot replace one that is there.
    await link(temporary, path)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  } finally {
    await unlink(temporary).catch(() => undefined)
  }
  await syncFolder(dirname(path))
  return true
}

/**
 * Reads a file that holds a secret. One that is a link, that belongs to somebody else, or that others may read is
 * refused: its secret is no longer one.
 *
 * @returns its bytes, or undefined when there is none
 * @throws RuntimeError `KEY_FILE_LINK`, `KEY_FILE_EXPOSED`, `KEY_FILE_TOO_LARGE`, `KEY_FILE_UNREADABLE`
 */
export const readSecretFile = async (path: string): Promise<Uint8Array | undefined> => {
  let handle
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT') return undefined
    if (code === 'ELOOP')
      throw new RuntimeError('KEY_FILE_LINK', `the key file ${path} is a link; put the file itself there`, {
        cause: error,
      })
    throw new RuntimeError('KEY_FILE_UNREADABLE', `cannot read the key file ${path}: ${messageOf(error)}`, {
      cause: error,
    })
  }
  try {
    const stat = await handle.stat()
    if (!stat.isFile())
      throw new RuntimeError('KEY_FILE_UNREADABLE', `the key file ${path} is not a regular file`)
    if ((stat.mode & OTHERS) !== 0)
      throw new RuntimeError(
        'KEY_FILE_EXPOSED',
        `the key file ${path} has mode ${(stat.mode & 0o777).toString(8)}, others may use it; set it to 600`,
      )
    if (process.getuid !== undefined && stat.uid !== process.getuid())
      throw new RuntimeError('KEY_FILE_EXPOSED', `the key file ${path} belongs to user ${stat.uid}`)
    if (stat.size > MAX_KEY_FILE_BYTES)
      throw new RuntimeError(
        'KEY_FILE_TOO_LARGE',
        `the key file ${path} has ${stat.size} bytes, more than ${MAX_KEY_FILE_BYTES}`,
      )
    return await handle.readFile()
  } finally {
    await handle.close()
  }
}
