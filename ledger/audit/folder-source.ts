import { constants } from 'node:fs'
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { TILE_WIDTH, tilePath } from '../../proofs/tile.js'
import type { Tile } from '../../proofs/tile.js'
import { codeOf, messageOf } from '../../runtime/errors.js'
import { LedgerError } from '../errors.js'
import type { TreeSource } from './source.js'

const CHECKPOINT_NAME = /^checkpoint\.[0-9]{1,16}$/
const WIDTH = /^[1-9][0-9]{0,2}$/
/** Some logs keep their bundles as they serve them: with the content coding gzip. */
const GZIP = Buffer.from([0x1f, 0x8b, 0x08])
const inflate = promisify(gunzip)
const ABSENT: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR'])

/**
 * A log that lies in a folder.
 *
 * @throws LedgerError `NOT_FOUND` when there is no such folder
 */
export async function openFolder(folder: string): Promise<TreeSource> {
  const found = await stat(folder).catch(() => undefined)
  if (found?.isDirectory() !== true) throw new LedgerError('NOT_FOUND', `there is no folder ${folder}`)
  return new FolderSource(folder)
}

class FolderSource implements TreeSource {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  async read(path: string, limit: number): Promise<Uint8Array | undefined> {
    try {
      const file = await open(join(this.#folder, path), constants.O_RDONLY | constants.O_NONBLOCK)
      try {
        const about = await file.stat()
        if (!about.isFile()) throw new LedgerError('UNREACHABLE', `${path} is not a file`)
        if (about.size > limit) throw tooLarge(path, limit)
        const bytes = await file.readFile()
        return path.startsWith('tile/entries/') ? await plain(bytes, limit) : bytes
      } finally {
        await file.close()
      }
    } catch (cause) {
      if (cause instanceof LedgerError) throw cause
      if (ABSENT.has(codeOf(cause))) return undefined
      throw new LedgerError('UNREACHABLE', `${path} cannot be read: ${messageOf(cause)}`, { cause })
    }
  }

  async partials({ level, index }: Tile): Promise<readonly number[]> {
    const names = await this.#list(`${tilePath({ level, index, width: TILE_WIDTH })}.p`)
    return names
      .filter((name) => WIDTH.test(name) && Number(name) < TILE_WIDTH)
      .map(Number)
      .toSorted((a, b) => a - b)
  }

  async checkpoints(): Promise<readonly string[]> {
    return (await this.#list('.')).filter((name) => CHECKPOINT_NAME.test(name))
  }

  async close(): Promise<void> {}

  async #list(path: string): Promise<readonly string[]> {
    try {
      return await readdir(join(this.#folder, path))
    } catch (cause) {
      if (ABSENT.has(codeOf(cause))) return []
      throw new LedgerError('UNREACHABLE', `${path} cannot be listed: ${messageOf(cause)}`, { cause })
    }
  }
}

/** The bundle inside of gzip. Bytes that only begin like gzip are a bundle as they are: its hashes will tell. */
async function plain(bytes: Buffer, maxOutputLength: number): Promise<Uint8Array> {
  if (!bytes.subarray(0, GZIP.length).equals(GZIP)) return bytes
  return inflate(bytes, { maxOutputLength }).catch(() => bytes)
}

/** The error of a file that is longer than any such file can be. */
export function tooLarge(path: string, limit: number): LedgerError {
  return new LedgerError('TOO_LARGE', `${path} is longer than the ${limit} bytes that it can have`)
}
