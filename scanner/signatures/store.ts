import { existsSync } from 'node:fs'
import { mkdir, open, readdir, readFile, readlink, rename, rm, symlink } from 'node:fs/promises'
import type { KeyObject } from 'node:crypto'
import { join } from 'node:path'
import { createPrivateFile, privateFolder, syncFolder } from '../../runtime/data-folder.js'
import { codeOf } from '../../runtime/errors.js'
import { ScanError } from '../errors.js'
import { isRunning, ownMark } from '../process-mark.js'
import { openBundle, type Bundle, type Manifest } from './bundle.js'

const CURRENT = 'current'
const BUNDLE = 'bundle'
const LOCK = 'update.lock'

/** Signatures that are installed and verified, as a scanner loads them. */
export interface Installed {
  readonly manifest: Manifest
  readonly yaraRules: readonly string[]
  readonly hashLists: readonly string[]
}

/**
 * Signatures in `<data>/scanner/signatures`: a folder per version and the link `current`, which is swapped in one step.
 * A kill at any moment leaves the old version or the new one, whole.
 */
export class SignatureStore {
  private constructor(readonly folder: string) {}

  static async open(scannerFolder: string): Promise<SignatureStore> {
    return new SignatureStore(await privateFolder(scannerFolder, 'signatures'))
  }

  /** The store of a scanner that has one; nothing is made. */
  static existing(scannerFolder: string): SignatureStore | undefined {
    const folder = join(scannerFolder, 'signatures')
    return existsSync(folder) ? new SignatureStore(folder) : undefined
  }

  /** The version that is current; 0 when there is none. */
  async version(): Promise<number> {
    try {
      return Number(await readlink(join(this.folder, CURRENT)))
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return 0
      throw error
    }
  }

  /**
   * What is current, its signature and every file verified again, since files can rot and disks be written to.
   * @returns undefined when nothing is installed
   * @throws ScanError `SIGNATURES_UNTRUSTED`, `SIGNATURES_REFUSED`
   */
  async installed(keys: readonly KeyObject[]): Promise<Installed | undefined> {
    const version = await this.version()
    if (version === 0) return undefined
    const folder = join(this.folder, String(version))
    const { manifest, files } = openBundle(await readFile(join(folder, BUNDLE)), keys)
    for (const { path, content } of files)
      if (!(await readFile(join(folder, path))).equals(content))
        throw new ScanError('SIGNATURES_REFUSED', `${join(folder, path)} is not what was signed`)
    return {
      manifest,
      yaraRules: existsSync(join(folder, 'yara')) ? [join(folder, 'yara')] : [],
      hashLists: files.filter(({ path }) => path.startsWith('hashes/')).map(({ path }) => join(folder, path)),
    }
  }

  /**
   * Makes a bundle the current one.
   * @param check loads what is about to become current; when it throws, nothing changes
   * @returns whether anything changed: the very same bundle again is none
   * @throws ScanError of `openBundle`, `SIGNATURES_ROLLBACK`, `SIGNATURES_BUSY`, or the error of `check`
   */
  async install(
    bytes: Buffer,
    keys: readonly KeyObject[],
    check: (staged: Pick<Installed, 'yaraRules' | 'hashLists'>) => Promise<void>,
  ): Promise<{ readonly bundle: Bundle; readonly changed: boolean }> {
    const bundle = openBundle(bytes, keys)
    const release = await this.#lock()
    try {
      await this.#sweep()
      const before = await this.version()
      const { version } = bundle.manifest
      if (version === before && (await readFile(join(this.folder, String(before), BUNDLE))).equals(bytes))
        return { bundle, changed: false }
      if (version <= before)
        throw new ScanError(
          'SIGNATURES_ROLLBACK',
          `version ${version} does not follow the installed version ${before}`,
        )
      const staged = join(this.folder, `${version}.tmp`)
      await write(staged, [...bundle.files, { path: BUNDLE, content: bytes }])
      await check({
        yaraRules: existsSync(join(staged, 'yara')) ? [join(staged, 'yara')] : [],
        hashLists: bundle.files
          .filter(({ path }) => path.startsWith('hashes/'))
          .map(({ path }) => join(staged, path)),
      })
      // A version that was put there but did not become current before a kill.
      await rm(join(this.folder, String(version)), { recursive: true, force: true })
      await rename(staged, join(this.folder, String(version)))
      await syncFolder(this.folder)
      const next = join(this.folder, `${CURRENT}.tmp`)
      await symlink(String(version), next)
      await rename(next, join(this.folder, CURRENT))
      await syncFolder(this.folder)
      return { bundle, changed: true }
    } finally {
      await release()
    }
  }

  /** One update at a time; the lock of a process that is gone is none. */
  async #lock(): Promise<() => Promise<void>> {
    const file = join(this.folder, LOCK)
    for (let attempt = 0; attempt < 3; attempt++) {
      const made = await createPrivateFile(file, ownMark()).catch((error: unknown) => {
        // Who has the lock swept away what was to become ours.
        if (codeOf(error) === 'ENOENT') return false
        throw error
      })
      if (made) return () => rm(file, { force: true })
      const owner = await readFile(file, 'utf8').catch(() => '')
      if (isRunning(owner)) break
      await rm(file, { force: true })
    }
    throw new ScanError('SIGNATURES_BUSY', 'another update of the signatures is under way')
  }

  /** Removes what a kill left half done, and versions older than the one before the current one. */
  async #sweep(): Promise<void> {
    const current = await this.version()
    const names = await readdir(this.folder)
    const older = names.filter((name) => /^\d+$/.test(name) && Number(name) < current).map(Number)
    const before = Math.max(0, ...older)
    for (const name of names)
      if (
        /^(?:\d+|current|update\.lock\.[0-9a-f]+)\.tmp$/.test(name) ||
        (/^\d+$/.test(name) && Number(name) < before)
      )
        await rm(join(this.folder, name), { recursive: true, force: true })
  }
}

async function write(folder: string, files: Bundle['files']): Promise<void> {
  await mkdir(folder, { mode: 0o700 })
  const below = new Set(
    files.filter(({ path }) => path.includes('/')).map(({ path }) => path.split('/')[0] ?? ''),
  )
  for (const name of below) await mkdir(join(folder, name), { mode: 0o700 })
  for (const { path, content } of files) {
    const handle = await open(join(folder, path), 'wx', 0o600)
    try {
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
  }
  for (const name of below) await syncFolder(join(folder, name))
  await syncFolder(folder)
}
