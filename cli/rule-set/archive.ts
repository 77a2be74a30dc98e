import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { extract } from 'tar-stream'

import { messageOf } from '../../runtime/errors.js'
import { printable } from '../printable.js'
import { RuleSetError } from './errors.js'
import type { RuleSetLimits } from './limits.js'

/** One file of a rule set. */
export interface RuleSetFile {
  /** Relative, with `/`, without `.` and `..`. */
  readonly path: string
  readonly content: Uint8Array
}

/**
 * Reads a `.tar.gz` into memory. Nothing in it is trusted: a path that leaves its folder, a link, a device, and an archive that
 * unpacks to more than the limits are refused, wherever they stand. A single folder around everything is taken off.
 *
 * @throws RuleSetError
 */
export const readArchive = async (bytes: Uint8Array, limits: RuleSetLimits): Promise<RuleSetFile[]> => {
  if (bytes[0] === 0x50 && bytes[1] === 0x4b)
    throw new RuleSetError(
      'RULE_SET_ARCHIVE',
      'zip archives are not read; take the .tar.gz of the same release',
    )
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b)
    throw new RuleSetError('RULE_SET_ARCHIVE', 'this is no .tar.gz archive')
  const gunzip = createGunzip()
  const tar = extract()
  const source = Readable.from([bytes])
  const fail = (error: Error): void => {
    tar.destroy(error)
  }
  source.on('error', fail)
  gunzip.on('error', fail)
  // Headers and padding count too: an archive of nothing but names is a bomb as well.
  let unpacked = 0
  gunzip.on('data', (chunk: Uint8Array) => {
    unpacked += chunk.length
    if (unpacked > limits.unpackedBytes)
      gunzip.destroy(tooLarge(`it unpacks to more than ${limits.unpackedBytes} bytes`))
  })
  source.pipe(gunzip).pipe(tar)
  const files: RuleSetFile[] = []
  let entries = 0
  try {
    for await (const entry of tar) {
      const { name, type } = entry.header
      if (++entries > limits.entries) throw tooLarge(`it holds more than ${limits.entries} entries`)
      const path = safePath(name, limits)
      if (type !== 'file' && type !== 'directory')
        throw new RuleSetError(
          'RULE_SET_ARCHIVE',
          `${printable(name)} is a ${type}; only files and folders are taken`,
        )
      const chunks: Uint8Array[] = []
      for await (const chunk of entry) if (chunk instanceof Uint8Array) chunks.push(chunk)
      if (type === 'file') files.push({ path, content: Buffer.concat(chunks) })
    }
  } catch (error) {
    if (error instanceof RuleSetError) throw error
    throw new RuleSetError('RULE_SET_ARCHIVE', `the archive cannot be read: ${messageOf(error)}`, {
      cause: error,
    })
  } finally {
    source.destroy()
    gunzip.destroy()
    tar.destroy()
  }
  if (files.length === 0) throw new RuleSetError('RULE_SET_ARCHIVE', 'the archive holds no files')
  return withoutOuterFolder(files)
}

/**
 * The path of an entry, when it stays where it is put.
 *
 * @throws RuleSetError
 */
export const safePath = (name: string, { depth }: Pick<RuleSetLimits, 'depth'>): string => {
  const segments = name
    .replace(/\/+$/, '')
    .split('/')
    .filter((segment, index) => segment !== '.' || index > 0)
  const bad =
    name.startsWith('/') ||
    name.length > 1024 ||
    // Also what is not printable ASCII, and backslashes.
    printable(name) !== name ||
    segments.some((segment) => segment === '..' || segment === '.' || (segment === '' && segments.length > 1))
  if (bad)
    throw new RuleSetError(
      'RULE_SET_ARCHIVE',
      `${printable(name.slice(0, 200))} leaves its folder, or is no plain path`,
    )
  if (segments.length > depth)
    throw tooLarge(`${printable(name.slice(0, 200))} is more than ${depth} folders deep`)
  return segments.join('/')
}

const tooLarge = (message: string): RuleSetError => new RuleSetError('RULE_SET_TOO_LARGE', message)

const withoutOuterFolder = (files: RuleSetFile[]): RuleSetFile[] => {
  const outer = files[0]?.path.split('/')[0] ?? ''
  return files.every(({ path }) => path.startsWith(`${outer}/`))
    ? files.map(({ path, content }) => ({ path: path.slice(outer.length + 1), content }))
    : files
}
