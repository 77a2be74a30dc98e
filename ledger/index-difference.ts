import { open } from 'lmdb'
import type { Database, RootDatabase } from 'lmdb'

/** What cannot be made again from the write-ahead log, and so is no row to compare. */
const STATE = 'state'

/**
 * Compares the rows of two index stores byte by byte, those of all tables except the state.
 *
 * @returns the first table and the number of the first row in which they differ; `undefined` when they are the same
 */
export async function indexDifference(folder: string, other: string): Promise<string | undefined> {
  const [a, b] = [folder, other].map((path) => open({ path, noSubdir: false, readOnly: true, maxDbs: 64 }))
  if (a === undefined || b === undefined) return undefined
  try {
    const names = new Set([...tables(a), ...tables(b)])
    for (const name of names) {
      const row = rowDifference(rows(a, name), rows(b, name))
      if (row !== undefined) return `row ${row} of ${name}`
    }
    return undefined
  } finally {
    await Promise.all([a.close(), b.close()])
  }
}

const tables = (root: RootDatabase): string[] =>
  [...root.getKeys()].map(String).filter((name) => name !== STATE)

function* rows(root: RootDatabase, name: string): Generator<{ key: Buffer; value: Buffer }> {
  if (!tables(root).includes(name)) return
  const table: Database<Buffer, Buffer> = root.openDB(name, { encoding: 'binary', keyEncoding: 'binary' })
  for (const { key, value } of table.getRange()) yield { key: Buffer.from(key), value: Buffer.from(value) }
}

function rowDifference(
  a: Generator<{ key: Buffer; value: Buffer }>,
  b: Generator<{ key: Buffer; value: Buffer }>,
): number | undefined {
  for (let row = 0; ; row++) {
    const [left, right] = [a.next(), b.next()]
    if (left.done === true && right.done === true) return undefined
    if (left.done === true || right.done === true) return row
    if (!left.value.key.equals(right.value.key) || !left.value.value.equals(right.value.value)) return row
  }
}
