import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ScanError } from '../errors.js'
import { HashDatabaseBuilder } from './builder.js'
import { HashDatabase, isHashDatabase } from './database.js'
import type { ListKind } from './format.js'
import { readList } from './list-reader.js'

export interface PreparedHashes {
  /** Paths of databases. */
  readonly databases: readonly string[]
  /** Removes what was made; call it when no worker is started any more. */
  remove(): void
}

/**
 * Makes lists ready for the workers, so that each of them holds filters only: databases are checked as a whole, text lists
 * are put into one temporary database.
 * @throws ScanError `SCAN_HASH_LIST` naming file and line
 */
export function prepareHashes(lists: Readonly<Record<ListKind, readonly string[]>>): PreparedHashes {
  const databases = new Set<string>()
  const texts: { readonly path: string; readonly kind: ListKind }[] = []
  for (const kind of ['allowed', 'malicious'] as const)
    for (const path of lists[kind])
      if (isHashDatabase(path)) databases.add(path)
      else texts.push({ path, kind })
  for (const path of databases) HashDatabase.open(path, { check: true }).close()
  if (texts.length === 0) return { databases: [...databases], remove: () => undefined }
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-hashes-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  const target = join(folder, 'lists')
  try {
    const builder = new HashDatabaseBuilder(target)
    try {
      for (const { path, kind } of texts)
        readList(path, { kind }, builder, (line, message) => {
          throw new ScanError('SCAN_HASH_LIST', `${path}:${line}: ${message}`)
        })
      builder.finish()
    } finally {
      builder.discard()
    }
  } catch (error) {
    remove()
    throw error
  }
  return { databases: [...databases, target], remove }
}
