import { messageOf } from '../../runtime/errors.js'
import { printable } from '../printable.js'
import { RuleSetError } from './errors.js'
import type { RuleSetLimits } from './limits.js'
import { readTarGz } from './tar-archive.js'
import { readZip } from './zip-archive.js'

/** One file of a rule set. */
export interface RuleSetFile {
  /** Relative, with `/`, without `.` and `..`. */
  readonly path: string
  readonly content: Uint8Array
}

type Reader = (bytes: Uint8Array, limits: RuleSetLimits) => Promise<RuleSetFile[]>

/**
 * Reads a `.tar.gz` or a `.zip`, told apart by their first bytes, into memory. Nothing in it is trusted: a path that leaves its
 * folder, a path that comes twice, a link, a device, and an archive that unpacks to more than the limits are refused, wherever they
 * stand. A single folder around everything is taken off.
 *
 * @throws RuleSetError
 */
export const readArchive = async (bytes: Uint8Array, limits: RuleSetLimits): Promise<RuleSetFile[]> => {
  const files = await readerOf(bytes)(bytes, limits).catch((error: unknown) => {
    if (error instanceof RuleSetError) throw error
    throw new RuleSetError('RULE_SET_ARCHIVE', `the archive cannot be read: ${messageOf(error)}`, {
      cause: error,
    })
  })
  if (files.length === 0) throw new RuleSetError('RULE_SET_ARCHIVE', 'the archive holds no files')
  const seen = new Set<string>()
  for (const { path } of files) {
    // Readers differ in which of two they take: what was reviewed need not be what is loaded.
    if (seen.has(path)) throw new RuleSetError('RULE_SET_ARCHIVE', `${printable(path)} is in it twice`)
    seen.add(path)
  }
  return withoutOuterFolder(files)
}

const readerOf = (bytes: Uint8Array): Reader => {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return readTarGz
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) return readZip
  throw new RuleSetError('RULE_SET_ARCHIVE', 'this is no .tar.gz and no .zip archive')
}

const withoutOuterFolder = (files: RuleSetFile[]): RuleSetFile[] => {
  const outer = files[0]?.path.split('/')[0] ?? ''
  return files.every(({ path }) => path.startsWith(`${outer}/`))
    ? files.map(({ path, content }) => ({ path: path.slice(outer.length + 1), content }))
    : files
}
