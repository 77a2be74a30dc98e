import { createHash, timingSafeEqual } from 'node:crypto'
import { lstat, readdir, readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'

import { download } from '../../runtime/download.js'
import { codeOf, messageOf } from '../../runtime/errors.js'
import type { OutboundConfig } from '../../runtime/outbound.js'
import { printable } from '../printable.js'
import type { RuleSetFile } from './archive.js'
import { readArchive } from './archive.js'
import { safePath } from './entry-path.js'
import { RuleSetError } from './errors.js'
import type { RuleSetLimits } from './limits.js'

/**
 * Reads a release from an archive, a URL of one, or a folder, and compares its digest before anything in it is looked at. The digest
 * of a folder is that of the list which `sha256sum` prints for its files, sorted by path (see `docs/SECLANG.md`).
 *
 * @throws RuleSetError, RuntimeError `OUTBOUND_REFUSED`
 */
export const readRelease = async (
  from: string,
  sha256: string,
  { limits, outbound }: { readonly limits: RuleSetLimits; readonly outbound: OutboundConfig },
): Promise<RuleSetFile[]> => {
  if (/^https?:\/\//i.test(from)) {
    const bytes = await fetchArchive(from, limits, outbound)
    verify(bytes, sha256)
    return readArchive(bytes, limits)
  }
  const path = resolve(from)
  const found = await stat(path).catch((error: unknown) => {
    throw new RuleSetError('RULE_SET_SOURCE', `cannot read ${path}: ${messageOf(error)}`, { cause: error })
  })
  if (found.isDirectory()) {
    const files = await readFolder(path, limits)
    verify(folderListing(files), sha256)
    return files
  }
  if (found.size > limits.archiveBytes) throw tooLarge(limits)
  const bytes = await readFile(path)
  verify(bytes, sha256)
  return readArchive(bytes, limits)
}

/** What `sha256sum` prints for all files of a folder, each named from `./`, in the order of their bytes. */
export const folderListing = (files: readonly RuleSetFile[]): Buffer =>
  Buffer.from(
    [...files]
      .sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)))
      .map(({ path, content }) => `${createHash('sha256').update(content).digest('hex')}  ./${path}\n`)
      .join(''),
  )

const verify = (bytes: Uint8Array, sha256: string): void => {
  const actual = createHash('sha256').update(bytes).digest()
  if (!timingSafeEqual(actual, Buffer.from(sha256, 'hex')))
    throw new RuleSetError(
      'RULE_SET_DIGEST',
      `its SHA-256 is ${actual.toString('hex')}, not ${sha256}: this is not the release that was meant`,
    )
}

const tooLarge = ({ archiveBytes }: RuleSetLimits): RuleSetError =>
  new RuleSetError('RULE_SET_TOO_LARGE', `the release has more than ${archiveBytes} bytes`)

const readFolder = async (folder: string, limits: RuleSetLimits): Promise<RuleSetFile[]> => {
  const names = (await readdir(folder, { recursive: true })).sort()
  if (names.length > limits.entries)
    throw new RuleSetError('RULE_SET_TOO_LARGE', `${folder} holds more than ${limits.entries} entries`)
  const files: RuleSetFile[] = []
  let total = 0
  for (const name of names) {
    const entry = await lstat(join(folder, name))
    if (entry.isDirectory()) continue
    if (!entry.isFile())
      throw new RuleSetError(
        'RULE_SET_SOURCE',
        `${printable(name)} is neither a file nor a folder; links are not followed`,
      )
    total += entry.size
    if (total > limits.unpackedBytes)
      throw new RuleSetError('RULE_SET_TOO_LARGE', `${folder} holds more than ${limits.unpackedBytes} bytes`)
    files.push({ path: safePath(name, limits), content: await readFile(join(folder, name)) })
  }
  return files
}

const fetchArchive = async (
  from: string,
  limits: RuleSetLimits,
  outbound: OutboundConfig,
): Promise<Uint8Array> => {
  try {
    return await download(from, {
      maxBytes: limits.archiveBytes,
      accept: 'application/gzip, application/zip, application/octet-stream',
      outbound,
    })
  } catch (error) {
    const code = codeOf(error)
    if (code === 'DOWNLOAD_TOO_LARGE') throw tooLarge(limits)
    if (code === 'DOWNLOAD_FAILED')
      throw new RuleSetError('RULE_SET_SOURCE', messageOf(error), { cause: error })
    throw error
  }
}
