import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { constants } from 'node:fs'
import { link, lstat, open, readdir, rename, unlink, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { createPrivateFile, privateFolder, readSecretFile, syncFolder } from '../../runtime/data-folder.js'
import { codeOf, messageOf } from '../../runtime/errors.js'
import { shorten } from '../../runtime/text.js'
import { isUuidv7, uuidv7 } from '../../runtime/uuid.js'
import { ScanError } from '../errors.js'
import { HeldFile, isSameFile, type JudgedBytes } from '../held-file.js'
import { holdParent } from '../held-path.js'
import { isRunning, ownMark } from '../process-mark.js'
import {
  decryptContent,
  encryptContent,
  KEY_BYTES,
  makePrefix,
  openPrefix,
  prefixLength,
  TAG_BYTES,
  type ItemHeader,
} from './item-format.js'
import { RestoreNote } from './restore-note.js'

const CHUNK_BYTES = 1024 * 1024
const SET_ID_BITS = 0o6000
const MAX_REASONS = 32
const MAX_REASON = 200
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

export interface StoredItem extends Omit<ItemHeader, 'version' | 'path_base64'> {
  readonly path: string
  readonly path_base64: string
}

const describe = (header: ItemHeader): StoredItem => {
  const { version: _, ...rest } = header
  return { ...rest, path: Buffer.from(header.path_base64, 'base64').toString('utf8') }
}

/**
 * Where found files are kept: each encrypted under a key of its own (AES-256-GCM, see `item-format.ts`), with its path,
 * mode, owner, times and digest as authenticated data. Nothing here follows a link or overwrites a file.
 */
export class Vault {
  private constructor(
    readonly folder: string,
    readonly key: Buffer,
    readonly now: () => number,
  ) {}

  /** Opens the vault of a scanner data folder, and makes it on first use. */
  static async open(scannerFolder: string, now: () => number): Promise<Vault> {
    const folder = await privateFolder(scannerFolder, 'vault')
    const file = join(scannerFolder, 'vault.key')
    await createPrivateFile(file, randomBytes(KEY_BYTES).toString('base64') + '\n')
    const text = await readSecretFile(file)
    const key = Buffer.from(
      Buffer.from(text ?? [])
        .toString('ascii')
        .trim(),
      'base64',
    )
    if (key.length !== KEY_BYTES)
      throw new ScanError(
        'QUARANTINE_KEY',
        `${file} does not hold a vault key of ${KEY_BYTES} bytes in base64`,
      )
    const vault = new Vault(folder, key, now)
    await vault.#sweep()
    return vault
  }

  /**
   * Takes a file out of its place and into the vault. The file is removed only after its item is durable, and only if it
   * still is the very file that was judged.
   * @param judged digest and bytes of what was judged; anything else is refused with `QUARANTINE_CHANGED`
   * @param id of the item; the same one again, after a crash, replaces what was stored with it
   */
  async store(
    path: Buffer,
    judged: JudgedBytes,
    reasons: readonly string[],
    id: string = uuidv7(this.now()),
  ): Promise<StoredItem> {
    const item = this.#file(id)
    const temporary = join(this.folder, `${id}.${ownMark()}.tmp`)
    const source = await HeldFile.open(path)
    try {
      const { stat } = source
      // Before a byte is copied: what took its name may be large enough to fill the vault's disk.
      if (source.size !== judged.size)
        throw new ScanError(
          'QUARANTINE_CHANGED',
          `${path.toString()} has ${stat.size} bytes, ${judged.size} were judged`,
        )
      const header: ItemHeader = {
        version: 1,
        id,
        path_base64: source.held.real.toString('base64'),
        mode: Number(stat.mode) & 0o7777,
        uid: Number(stat.uid),
        gid: Number(stat.gid),
        atime_ns: stat.atimeNs.toString(),
        mtime_ns: stat.mtimeNs.toString(),
        size: source.size,
        sha256: judged.sha256,
        // More would make a header that cannot be read back.
        reasons: reasons.slice(0, MAX_REASONS).map((reason) => shorten(reason, MAX_REASON)),
        hard_links: source.hardLinks,
        stored_at: this.now(),
      }
      await this.#encrypt(source, header, temporary)
      await source.checkUnchanged()
      await rename(temporary, item)
      await syncFolder(this.folder)
      try {
        await source.removeName()
      } catch (error) {
        await unlink(item)
        await syncFolder(this.folder)
        throw error
      }
      await source.held.folder.sync()
      return describe(header)
    } catch (error) {
      await unlink(temporary).catch(() => undefined)
      if (error instanceof ScanError) throw error
      throw new ScanError(
        codeOf(error) === 'ENOENT' ? 'QUARANTINE_CHANGED' : 'QUARANTINE_IO',
        `cannot quarantine ${path.toString()}: ${messageOf(error)}`,
        { cause: error },
      )
    } finally {
      await source.close()
    }
  }

  /** All items, oldest first. An item that does not open is listed by its error, never left out. */
  async list(): Promise<
    ({ readonly item: StoredItem } | { readonly id: string; readonly error: ScanError })[]
  > {
    const names = (await readdir(this.folder)).filter((name) => name.endsWith('.item')).sort()
    const items: Awaited<ReturnType<Vault['list']>> = []
    // One after the other: all at once would need as many open files as there are items.
    for (const name of names) {
      const id = name.slice(0, -'.item'.length)
      try {
        const { handle, header } = await this.#open(id)
        await handle.close()
        items.push({ item: describe(header) })
      } catch (error) {
        if (!(error instanceof ScanError)) throw error
        items.push({ id, error })
      }
    }
    return items
  }

  /** One item; undefined when it is damaged. @throws ScanError `QUARANTINE_NOT_FOUND` */
  async show(id: string): Promise<StoredItem | undefined> {
    try {
      const { handle, header } = await this.#open(id)
      await handle.close()
      return describe(header)
    } catch (error) {
      if (error instanceof ScanError && error.code === 'QUARANTINE_DAMAGED') return undefined
      throw error
    }
  }

  /**
   * Puts an item back: decrypted into a private file beside its place, tag and digest checked, owner, mode and times (to the microsecond) set,
   * and only then given its name, if that is free. The item then leaves the vault.
   * @param options.to another absolute path than the one it came from
   * @param options.keepSetId keep set-user-id and set-group-id bits, which are dropped otherwise
   */
  async restore(
    id: string,
    options: { readonly to?: string; readonly keepSetId?: boolean } = {},
  ): Promise<StoredItem> {
    const { handle, header, prefix } = await this.#open(id)
    try {
      const target =
        options.to === undefined ? Buffer.from(header.path_base64, 'base64') : Buffer.from(options.to)
      const held = await holdParent(target)
      // Whoever owned the folder may have put a link in its place while the file was away.
      if (options.to === undefined && !held.real.equals(target)) {
        await held.folder.close()
        throw new ScanError(
          'QUARANTINE_TARGET',
          `a link leads from ${target.toString()} to ${held.real.toString()}; name the place to restore it to`,
        )
      }
      let file: FileHandle | undefined
      let note: RestoreNote | undefined
      try {
        note = await RestoreNote.write(this.folder, id, held)
        const { temporary } = note
        file = await open(temporary, NEW_FILE, 0o600)
        await this.#decrypt(handle, header, prefix, file, id)
        if (process.getuid?.() === 0) await file.chown(header.uid, header.gid)
        await file.chmod(options.keepSetId ? header.mode : header.mode & ~SET_ID_BITS)
        await file.utimes(Number(BigInt(header.atime_ns)) / 1e9, Number(BigInt(header.mtime_ns)) / 1e9)
        await file.sync()
        // A new name for the finished file: unlike a rename this cannot replace a file that is there.
        await link(temporary, held.path)
        if (!isSameFile(await lstat(held.path, { bigint: true }), await file.stat({ bigint: true })))
          throw new ScanError('QUARANTINE_TARGET', `another file took the name ${target.toString()}`)
        await held.folder.sync()
      } catch (error) {
        if (error instanceof ScanError) throw error
        if (codeOf(error) === 'EEXIST')
          throw new ScanError('QUARANTINE_TARGET', `${target.toString()} exists; nothing is overwritten`, {
            cause: error,
          })
        throw new ScanError(
          'QUARANTINE_IO',
          `cannot restore ${id} to ${target.toString()}: ${messageOf(error)}`,
          {
            cause: error,
          },
        )
      } finally {
        await file?.close()
        await note?.remove()
        await held.folder.close()
      }
      await this.delete(id)
      return describe(header)
    } finally {
      await handle.close()
    }
  }

  /** Deletes an item for good. */
  async delete(id: string): Promise<void> {
    const path = this.#file(id)
    try {
      await unlink(path)
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT') throw notFound(id, cause)
      throw new ScanError('QUARANTINE_IO', `cannot delete ${id}: ${messageOf(cause)}`, { cause })
    }
    await syncFolder(this.folder)
  }

  #file(id: string): string {
    if (!isUuidv7(id)) throw notFound(id)
    return join(this.folder, `${id}.item`)
  }

  async #open(id: string) {
    const path = this.#file(id)
    let handle: FileHandle
    try {
      handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT') throw notFound(id, cause)
      throw new ScanError('QUARANTINE_IO', `cannot open ${path}: ${messageOf(cause)}`, { cause })
    }
    try {
      const start = await readExactly(handle, 0, 8, path)
      const bytes = await readExactly(handle, 0, prefixLength(start, path), path)
      const { prefix, header } = openPrefix(bytes, this.key, path)
      if (header.id !== id) throw new ScanError('QUARANTINE_DAMAGED', `${path} holds the item ${header.id}`)
      return { handle, header, prefix }
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  async #encrypt(source: HeldFile, header: ItemHeader, to: string): Promise<void> {
    const target = await open(to, NEW_FILE, 0o600)
    try {
      const prefix = makePrefix(header, this.key)
      const cipher = encryptContent(prefix)
      const digest = createHash('sha256')
      await writeAll(target, prefix.bytes)
      for await (const chunk of source.chunks()) {
        digest.update(chunk)
        await writeAll(target, cipher.update(chunk))
      }
      await writeAll(target, Buffer.concat([cipher.final(), cipher.getAuthTag()]))
      if (digest.digest('hex') !== header.sha256)
        throw new ScanError('QUARANTINE_CHANGED', 'the file is no longer the one that was judged')
      await target.sync()
    } finally {
      await target.close()
    }
  }

  async #decrypt(
    item: FileHandle,
    header: ItemHeader,
    prefix: ReturnType<typeof openPrefix>['prefix'],
    target: FileHandle,
    id: string,
  ): Promise<void> {
    const start = prefix.bytes.length
    const end = start + header.size
    const tag = await readExactly(item, end, TAG_BYTES, id)
    const decipher = decryptContent(prefix, tag)
    const digest = createHash('sha256')
    for (let position = start; position < end;) {
      const chunk = await readExactly(item, position, Math.min(CHUNK_BYTES, end - position), id)
      position += chunk.length
      const plain = decipher.update(chunk)
      digest.update(plain)
      await writeAll(target, plain)
    }
    try {
      decipher.final()
    } catch (cause) {
      throw new ScanError('QUARANTINE_DAMAGED', `the content of ${id} was changed in the vault`, { cause })
    }
    if (!timingSafeEqual(digest.digest(), Buffer.from(header.sha256, 'hex')))
      throw new ScanError(
        'QUARANTINE_DAMAGED',
        `the content of ${id} has another digest than the file that was stored`,
      )
  }

  /** Removes what a process that was killed left half done; the original of such an item was never touched. */
  async #sweep(): Promise<void> {
    for (const name of await readdir(this.folder)) {
      const [id = '', owner = '', kind] = name.split('.')
      if (!isUuidv7(id) || isRunning(owner)) continue
      const path = join(this.folder, name)
      if (kind === 'tmp') await unlink(path).catch(() => undefined)
      else if (kind === 'restore') await RestoreNote.sweep(path)
    }
  }
}

const notFound = (id: string, cause?: unknown): ScanError =>
  new ScanError('QUARANTINE_NOT_FOUND', `there is no quarantined item ${id}`, { cause })

async function readExactly(
  handle: FileHandle,
  position: number,
  length: number,
  file: string,
): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  let read = 0
  while (read < length) {
    const { bytesRead } = await handle.read(buffer, read, length - read, position + read)
    if (bytesRead === 0) throw new ScanError('QUARANTINE_DAMAGED', `${file} is cut short`)
    read += bytesRead
  }
  return buffer
}

async function writeAll(handle: FileHandle, bytes: Buffer): Promise<void> {
  let written = 0
  while (written < bytes.length)
    written += (await handle.write(bytes, written, bytes.length - written)).bytesWritten
}
