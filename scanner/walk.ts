import { lstat, readdir } from 'node:fs/promises'
import { codeOf } from '../runtime/errors.js'
import type { Reason } from './verdict.js'

/** A path to judge, or one that cannot be: said, never left out. */
export type Walked =
  | { readonly kind: 'file'; readonly path: Buffer }
  | { readonly kind: 'skipped' | 'error'; readonly path: Buffer; readonly reason: Reason }

export interface WalkOptions {
  /** Do not cross into another file system than the start's. */
  readonly oneFileSystem?: boolean
  /** Tells whether to leave a path out altogether (the operator's `--exclude`). */
  readonly exclude?: (path: string) => boolean
  /** Called for each folder before what is in it is looked at. */
  readonly onFolder?: (path: Buffer, stat: { readonly dev: number; readonly ino: number }) => void
}

const SLASH = Buffer.from('/')

/** A path that cannot be looked at, and the system's word for why. */
export const unreadable = (path: Buffer, code: string): Walked => ({
  kind: 'error',
  path,
  reason: { engine: 'file', rule: code, level: 'error', detail: `cannot read: ${code}` },
})

/**
 * Walks folders depth first, without following links. Names are bytes, since a file name need
 * not be UTF-8 and a file must not hide behind one that is not.
 */
export async function* walk(start: Buffer, options: WalkOptions = {}): AsyncGenerator<Walked> {
  let first
  try {
    first = await lstat(start)
  } catch (error) {
    yield unreadable(start, codeOf(error) ?? 'UNKNOWN')
    return
  }
  if (!first.isDirectory()) {
    yield* classify(start, first)
    return
  }
  options.onFolder?.(start, first)
  const pending = [start]
  for (let folder = pending.pop(); folder; folder = pending.pop()) {
    let entries
    try {
      entries = await readdir(folder, { withFileTypes: true, encoding: 'buffer' })
    } catch (error) {
      yield unreadable(folder, codeOf(error) ?? 'UNKNOWN')
      continue
    }
    for (const entry of entries) {
      const path =
        folder.at(-1) === 0x2f
          ? Buffer.concat([folder, entry.name])
          : Buffer.concat([folder, SLASH, entry.name])
      if (options.exclude?.(path.toString('utf8'))) continue
      if (entry.isFile()) {
        yield { kind: 'file', path }
        continue
      }
      let stat
      try {
        stat = await lstat(path)
      } catch (error) {
        yield unreadable(path, codeOf(error) ?? 'UNKNOWN')
        continue
      }
      if (!stat.isDirectory()) yield* classify(path, stat)
      else if (options.oneFileSystem && stat.dev !== first.dev)
        yield {
          kind: 'skipped',
          path,
          reason: {
            engine: 'file',
            rule: 'other_file_system',
            level: 'skipped',
            detail: 'on another file system',
          },
        }
      else {
        options.onFolder?.(path, stat)
        pending.push(path)
      }
    }
  }
}

type Kind = Awaited<ReturnType<typeof lstat>>

function* classify(path: Buffer, stat: Kind): Generator<Walked> {
  if (stat.isFile()) {
    yield { kind: 'file', path }
    return
  }
  const rule = stat.isSymbolicLink()
    ? 'symbolic_link'
    : stat.isFIFO()
      ? 'fifo'
      : stat.isSocket()
        ? 'socket'
        : 'device'
  const detail = rule === 'symbolic_link' ? 'links are not followed' : 'not a regular file'
  yield { kind: 'skipped', path, reason: { engine: 'file', rule, level: 'skipped', detail } }
}

/** How many files there are below paths, for a scan's time left; what cannot be read counts as none. */
export async function countFiles(
  starts: readonly Buffer[],
  options: WalkOptions,
  signal: AbortSignal,
): Promise<number> {
  let files = 0
  for (const start of starts)
    for await (const { kind } of walk(start, options)) {
      if (signal.aborted) return files
      if (kind === 'file') files++
    }
  return files
}
