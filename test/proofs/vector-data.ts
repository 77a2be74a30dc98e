import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

const root = process.env['PORTCULLIS_TEST_DATA']

/** Folder of public vectors, or `undefined` when this machine has none. */
export function vectorFolder(name: string): string | undefined {
  if (root === undefined) return undefined
  const folder = join(root, 'vectors', name)
  return existsSync(folder) ? folder : undefined
}

/** Every file below a folder whose name ends in `suffix`, sorted. */
export function filesBelow(folder: string, suffix: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(suffix) && statSync(join(folder, name)).isFile())
    .toSorted()
    .map((name) => join(folder, name))
}

export function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'))
}
