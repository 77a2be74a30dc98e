import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { extract } from 'tar-stream'

import { printable } from '../printable.js'
import type { RuleSetFile } from './archive.js'
import { safePath } from './entry-path.js'
import { RuleSetError } from './errors.js'
import type { RuleSetLimits } from './limits.js'

/**
 * Reads a `.tar.gz` into memory.
 *
 * @throws RuleSetError, and what zlib and tar-stream throw for broken bytes
 */
export const readTarGz = async (bytes: Uint8Array, limits: RuleSetLimits): Promise<RuleSetFile[]> => {
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
  } finally {
    source.destroy()
    gunzip.destroy()
    tar.destroy()
  }
  return files
}

const tooLarge = (message: string): RuleSetError => new RuleSetError('RULE_SET_TOO_LARGE', message)
