import { buffer } from 'node:stream/consumers'
import { type Entry, fromBufferPromise } from 'yauzl'

import { printable } from '../printable.js'
import type { RuleSetFile } from './archive.js'
import { safePath } from './entry-path.js'
import { RuleSetError } from './errors.js'
import type { RuleSetLimits } from './limits.js'

/**
 * Reads a `.zip` (APPNOTE.TXT 6.3) into memory. An entry that unpacks to another size than it declares is refused by yauzl, so that the sizes can
 * be summed up before anything is unpacked.
 *
 * @throws RuleSetError, and what yauzl and zlib throw for broken bytes
 */
export const readZip = async (bytes: Uint8Array, limits: RuleSetLimits): Promise<RuleSetFile[]> => {
  const archive = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  // Names stay bytes: `safePath` judges them as they are, and nothing is put right before it.
  const zip = await fromBufferPromise(archive, { decodeStrings: false, validateEntrySizes: true })
  const files: RuleSetFile[] = []
  let entries = 0
  let unpacked = 0
  for await (const entry of zip.eachEntry()) {
    if (++entries > limits.entries)
      throw new RuleSetError('RULE_SET_TOO_LARGE', `it holds more than ${limits.entries} entries`)
    const name = entry.fileNameRaw.toString('latin1')
    const path = safePath(name, limits)
    const type = typeOf(entry, name)
    if (type !== 'file' && type !== 'directory')
      throw new RuleSetError(
        'RULE_SET_ARCHIVE',
        `${printable(name)} is a ${type}; only files and folders are taken`,
      )
    unpacked += entry.uncompressedSize
    if (unpacked > limits.unpackedBytes)
      throw new RuleSetError('RULE_SET_TOO_LARGE', `it unpacks to more than ${limits.unpackedBytes} bytes`)
    if (type === 'directory') continue
    if (entry.isEncrypted()) throw new RuleSetError('RULE_SET_ARCHIVE', `${printable(name)} is encrypted`)
    files.push({ path, content: await buffer(await zip.openReadStreamPromise(entry)) })
  }
  return files
}

/** Systems that write Unix modes into the upper half of the external attributes: Unix and macOS. */
const UNIX = new Set([3, 19])
const TYPES: ReadonlyMap<number, string> = new Map([
  [0, 'file'],
  [0o10, 'file'],
  [0o04, 'directory'],
  [0o12, 'symlink'],
])

/** A folder ends in a slash, whatever its mode; a mode of another system says nothing. */
const typeOf = (entry: Entry, name: string): string => {
  const mode = UNIX.has(entry.versionMadeBy >>> 8) ? entry.externalFileAttributes >>> 28 : 0
  const type = TYPES.get(mode) ?? 'device'
  if (!name.endsWith('/')) return type === 'directory' ? 'folder without its slash' : type
  return type === 'file' ? 'directory' : type
}
