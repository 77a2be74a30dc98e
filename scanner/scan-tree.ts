import { resolve } from 'node:path'
import type { ScanPool } from './pool.js'
import { describePath, type FileResult } from './verdict.js'
import { walk, type WalkOptions } from './walk.js'

/** Files handed out ahead for each worker: enough to keep it busy, little enough to keep memory flat. */
const AHEAD = 128

/**
 * Judges everything under the given paths and calls `report` for each, in the order in which verdicts come. Every path
 * that is met is reported: what cannot be read comes as `error` or `skipped`.
 * A `report` that fails ends the scan with its error.
 * @param paths those given as bytes are absolute and taken as they are
 * @param shouldRead tells whether a file has to be judged (again); one that has not is not reported
 */
export async function scanTree(
  pool: ScanPool,
  paths: readonly (string | Buffer)[],
  options: WalkOptions & {
    /** Before what nobody waits for. */
    readonly urgent?: boolean
    readonly shouldRead?: (path: Buffer) => Promise<boolean>
    readonly signal?: AbortSignal
  },
  report: (result: FileResult, path: Buffer) => void | Promise<void>,
): Promise<void> {
  const ahead = AHEAD * pool.options.jobs
  const open = new Set<Promise<void>>()
  let failed: { readonly cause: unknown } | undefined
  for (const start of paths)
    for await (const met of walk(typeof start === 'string' ? Buffer.from(resolve(start)) : start, options)) {
      if (failed !== undefined || options.signal?.aborted) break
      if (met.kind !== 'file') {
        await report({ ...describePath(met.path), verdict: met.kind, reasons: [met.reason], ms: 0 }, met.path)
        continue
      }
      if (options.shouldRead && !(await options.shouldRead(met.path))) continue
      const judged: Promise<void> = pool
        .judge(met.path, { urgent: options.urgent === true })
        .then((result) => report(result, met.path))
        .catch((cause: unknown) => {
          failed ??= { cause }
        })
        .finally(() => open.delete(judged))
      open.add(judged)
      if (open.size >= ahead) await Promise.race(open)
    }
  await Promise.all(open)
  if (failed !== undefined) throw failed.cause
}
