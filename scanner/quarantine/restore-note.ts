import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { open, readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder } from '../../runtime/data-folder.js'
import { ownMark } from '../process-mark.js'
import { holdParent, type HeldPath } from '../held-path.js'

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
const NAME = '.portcullis-restore-'

/**
 * Says, in the vault, where a decrypted file is being written beside the place it goes to. A restore that is killed leaves
 * that file behind; whoever opens the vault next removes it by this note.
 */
export class RestoreNote {
  private constructor(
    readonly file: string,
    /** Path of the decrypted file through the descriptor of its folder. */
    readonly temporary: Buffer,
  ) {}

  static async write(vault: string, id: string, { folder, real }: HeldPath): Promise<RestoreNote> {
    const name = `${NAME}${id}-${randomBytes(8).toString('hex')}`
    const file = join(vault, `${id}.${ownMark()}.restore`)
    const handle = await open(file, NEW_FILE, 0o600)
    try {
      const parent = real.subarray(0, real.lastIndexOf(0x2f) + 1)
      await handle.writeFile(Buffer.concat([parent, Buffer.from(name)]))
      await handle.sync()
    } finally {
      await handle.close()
    }
    await syncFolder(vault)
    return new RestoreNote(file, Buffer.from(`/proc/self/fd/${folder.fd}/${name}`))
  }

  /** Removes the decrypted file's own name, then the note. */
  async remove(): Promise<void> {
    await unlink(this.temporary).catch(() => undefined)
    await unlink(this.file).catch(() => undefined)
  }

  /** Does what {@link remove} would have done in the process that is gone. */
  static async sweep(file: string): Promise<void> {
    const path = await readFile(file)
    // A note cut short names nothing that was made yet.
    if (
      path
        .subarray(path.lastIndexOf(0x2f) + 1)
        .toString('latin1')
        .startsWith(NAME)
    ) {
      const held = await holdParent(path).catch(() => undefined)
      // A folder above it that has become a link leads to another place than the one that was written to.
      if (held?.real.equals(path)) await unlink(held.path).catch(() => undefined)
      await held?.folder.close()
    }
    await unlink(file)
  }
}
