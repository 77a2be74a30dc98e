import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder, writePrivateFile } from '../../runtime/data-folder.js'
import { codeOf } from '../../runtime/errors.js'

/** That the daemon stands still outlives it: a file in `<data>/scanner`, with the time when it was told to. */

const NAME = 'paused'

/** When the daemon was paused, in milliseconds since the epoch; undefined when it is not. */
export function pausedSince(folder: string): number | undefined {
  try {
    // A file that cannot be read as a time is a pause all the same.
    return Number(readFileSync(join(folder, NAME), 'utf8')) || 0
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Resolves when it is durable. */
export async function setPaused(folder: string, since: number | undefined): Promise<void> {
  if (since !== undefined) await writePrivateFile(join(folder, NAME), String(since))
  else {
    await rm(join(folder, NAME), { force: true })
    await syncFolder(folder)
  }
}
