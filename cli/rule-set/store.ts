import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, readlink, rename, rm, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { privateFolder, syncFolder, writePrivateFile } from '../../runtime/data-folder.js'
import { codeOf } from '../../runtime/errors.js'
import type { RuleSetFile } from './archive.js'
import { RuleSetError } from './errors.js'

/** Record of where a version came from, beside its files. */
const RECORD = 'portcullis-release.json'

export interface Release {
  readonly version: string
  /** The folder to load. */
  readonly folder: string
}

/**
 * The versions of a rule set below `<data>/rules/crs`: a folder each, a link `current` to the one in use and a link `previous` to
 * the one before it. Links are replaced by renaming, so that a gateway that starts meanwhile sees one version or the other.
 */
export class RuleSetStore {
  private constructor(readonly folder: string) {}

  static async open(data: string): Promise<RuleSetStore> {
    await privateFolder(data)
    await privateFolder(data, 'rules')
    return new RuleSetStore(await privateFolder(data, 'rules', 'crs'))
  }

  /** The folder that `--crs` is given; a link. */
  get currentPath(): string {
    return join(this.folder, 'current')
  }

  async current(): Promise<string | undefined> {
    return target(this.currentPath)
  }

  async previous(): Promise<string | undefined> {
    return target(join(this.folder, 'previous'))
  }

  /**
   * Writes a release beside the others and, when `check` has not thrown, makes it the current one.
   *
   * @throws RuleSetError `RULE_SET_VERSION` when the version is there with another digest
   */
  async install(
    files: readonly RuleSetFile[],
    about: { readonly version: string; readonly sha256: string; readonly from: string },
    check: (folder: string) => void,
  ): Promise<Release> {
    const folder = join(this.folder, about.version)
    const known = await digestOf(folder)
    if (known !== undefined && known !== about.sha256)
      throw new RuleSetError(
        'RULE_SET_VERSION',
        `version ${about.version} is there already, with SHA-256 ${known}; remove ${folder} to replace it`,
      )
    const staged = join(this.folder, `.${about.version}.${randomBytes(6).toString('hex')}`)
    try {
      await writeFiles(staged, files)
      check(staged)
      await writePrivateFile(
        join(staged, RECORD),
        `${JSON.stringify({ ...about, installed: new Date().toISOString() }, undefined, 2)}\n`,
      )
      if (known === undefined) await rename(staged, folder)
    } finally {
      await rm(staged, { recursive: true, force: true })
    }
    await this.#switch(about.version)
    return { version: about.version, folder }
  }

  /** Makes the version before the current one; a second rollback goes forth again. @throws RuleSetError */
  async rollback(): Promise<Release> {
    const version = await this.previous()
    if (version === undefined || (await digestOf(join(this.folder, version))) === undefined)
      throw new RuleSetError('RULE_SET_NO_PREVIOUS', `${this.folder} holds no version before the current one`)
    await this.#switch(version)
    return { version, folder: join(this.folder, version) }
  }

  async #switch(version: string): Promise<void> {
    const before = await this.current()
    if (before === version) return
    if (before !== undefined) await replaceLink(join(this.folder, 'previous'), before)
    await replaceLink(this.currentPath, version)
    await syncFolder(this.folder)
  }
}

const target = async (link: string): Promise<string | undefined> => {
  try {
    return await readlink(link)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

const replaceLink = async (path: string, to: string): Promise<void> => {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  await symlink(to, temporary)
  await rename(temporary, path)
}

const writeFiles = async (folder: string, files: readonly RuleSetFile[]): Promise<void> => {
  await privateFolder(folder)
  const made = new Set<string>()
  for (const { path, content } of files) {
    const file = join(folder, path)
    const parent = dirname(file)
    if (!made.has(parent)) await mkdir(parent, { recursive: true, mode: 0o700 })
    made.add(parent)
    const handle = await open(file, 'wx', 0o600)
    try {
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
  }
}

/** The digest in the record of a version; undefined when there is none. */
const digestOf = async (folder: string): Promise<string | undefined> => {
  try {
    const record: unknown = JSON.parse(await readFile(join(folder, RECORD), 'utf8'))
    if (typeof record === 'object' && record !== null && 'sha256' in record) return String(record.sha256)
    return ''
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}
