import { createReadStream } from 'node:fs'
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** A content as it comes: whole, or piece by piece. */
export type Source = Uint8Array | AsyncIterable<Uint8Array>

export type Spooled =
  | { readonly kind: 'memory'; readonly content: Uint8Array }
  /** A private file (0600 in a folder 0700) until it is removed. */
  | { readonly kind: 'file'; readonly path: string; readonly remove: () => Promise<void> }
  /** More than `limit` bytes. */
  | { readonly kind: 'too_large'; readonly limit: number }

/** Bytes that are sent to a worker as they are; more goes through a file, so that many streams at once fill no memory. */
const MEMORY = 1024 * 1024

/**
 * Takes in a whole content, in memory or in a private temporary file.
 * @param limit bytes; beyond it the rest is not read and nothing is kept
 * @throws what the source throws, or the error of a temporary folder that is full
 */
export async function spool(source: Source, limit: number): Promise<Spooled> {
  const pieces: Uint8Array[] = []
  let length = 0
  let file: PrivateFile | undefined
  try {
    for await (const piece of source instanceof Uint8Array ? [source] : source) {
      length += piece.length
      if (length > limit) {
        await file?.remove()
        return { kind: 'too_large', limit }
      }
      pieces.push(piece)
      if (length <= MEMORY) continue
      file ??= await PrivateFile.create()
      for (const held of pieces.splice(0)) await file.write(held)
    }
  } catch (error) {
    await file?.remove()
    throw error
  }
  if (!file) return { kind: 'memory', content: Buffer.concat(pieces) }
  const { path } = file
  await file.close()
  return { kind: 'file', path, remove: () => PrivateFile.removeFolder(path) }
}

/** A content that was taken in, once more from its beginning. */
export const contentOf = (spooled: Exclude<Spooled, { kind: 'too_large' }>): Source =>
  spooled.kind === 'memory' ? spooled.content : createReadStream(spooled.path)

/** Removes what a spooled content has left on the disk. */
export const discard = async (spooled: Spooled): Promise<void> => {
  if (spooled.kind === 'file') await spooled.remove()
}

class PrivateFile {
  private constructor(
    readonly path: string,
    readonly handle: FileHandle,
  ) {}

  static async create(): Promise<PrivateFile> {
    const folder = await mkdtemp(join(tmpdir(), 'portcullis-content-'))
    const path = join(folder, 'content')
    return new PrivateFile(path, await open(path, 'wx', 0o600))
  }

  static async removeFolder(path: string): Promise<void> {
    await rm(dirname(path), { recursive: true, force: true })
  }

  async write(piece: Uint8Array): Promise<void> {
    await this.handle.appendFile(piece)
  }

  async close(): Promise<void> {
    await this.handle.close()
  }

  async remove(): Promise<void> {
    await this.close()
    await PrivateFile.removeFolder(this.path)
  }
}
