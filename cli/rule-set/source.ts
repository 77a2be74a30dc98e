import { createHash, timingSafeEqual } from 'node:crypto'
import { lstat, readdir, readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { request } from 'undici'

import { messageOf } from '../../runtime/errors.js'
import type { OutboundConfig } from '../../runtime/outbound.js'
import { checkOutboundUrl, outboundAgent } from '../../runtime/outbound.js'
import { printable } from '../printable.js'
import type { RuleSetFile } from './archive.js'
import { readArchive } from './archive.js'
import { safePath } from './entry-path.js'
import { RuleSetError } from './errors.js'
import type { RuleSetLimits } from './limits.js'

const CONNECT_MS = 10_000
const BODY_MS = 60_000
const MAX_REDIRECTS = 5

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
    const bytes = await download(from, limits, outbound)
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

/** Every hop of a redirection is checked like the first. */
const download = async (
  from: string,
  limits: RuleSetLimits,
  outbound: OutboundConfig,
): Promise<Uint8Array> => {
  const agent = outboundAgent(outbound, CONNECT_MS, limits.archiveBytes)
  try {
    let url = checkOutboundUrl(from, outbound)
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const { statusCode, headers, body } = await request(url, {
        dispatcher: agent,
        headersTimeout: BODY_MS,
        bodyTimeout: BODY_MS,
        headers: { accept: 'application/gzip, application/zip, application/octet-stream' },
      })
      const { location } = headers
      if (statusCode >= 300 && statusCode < 400 && typeof location === 'string') {
        await body.dump()
        url = checkOutboundUrl(new URL(location, url).href, outbound)
        continue
      }
      if (statusCode !== 200) {
        await body.dump()
        throw new RuleSetError('RULE_SET_SOURCE', `${url.origin}${url.pathname} answered ${statusCode}`)
      }
      return new Uint8Array(await body.arrayBuffer())
    }
    throw new RuleSetError('RULE_SET_SOURCE', `more than ${MAX_REDIRECTS} redirections`)
  } catch (error) {
    if (error instanceof RuleSetError || (error instanceof Error && error.name === 'RuntimeError'))
      throw error
    if (error instanceof Error && 'code' in error && error.code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE')
      throw tooLarge(limits)
    throw new RuleSetError('RULE_SET_SOURCE', `cannot fetch the release: ${messageOf(error)}`, {
      cause: error,
    })
  } finally {
    await agent.close()
  }
}
