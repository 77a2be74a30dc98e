import { resolve } from 'node:path'
import type { Priority, ScanPool } from './pool.js'
import { describePath, type FileResult } from './verdict.js'
import { walk, type Walked, type WalkOptions } from './walk.js'

/** Files handed out ahead for each worker: enough to keep it busy, little enough to keep memory flat. */
const AHEAD = 128

export interface JudgeWalkedOptions {
  /** Default `routine`. */
  readonly priority?: Priority
  /** Whether a file has to be judged (again); one that has not is not reported. */
  readonly shouldRead?: (path: Buffer) => Promise<boolean>
  readonly signal?: AbortSignal
}

type Report = (result: FileResult, path: Buffer) => void | Promise<void>

/**
 * Judges everything under the given paths and calls `report` for each, in the order in which verdicts come. Every path
 * that is met is reported: what cannot be read comes as `error` or `skipped`.
 * A `report` that fails ends the scan with its error.
 * @param paths those given as bytes are absolute and taken as they are
 */
export async function scanTree(
  pool: ScanPool,
  paths: readonly (string | Buffer)[],
  options: WalkOptions & JudgeWalkedOptions,
  report: Report,
): Promise<void> {
  const all = async function* (): AsyncGenerator<Walked> {
    for (const start of paths)
      yield* walk(typeof start === 'string' ? Buffer.from(resolve(start)) : start, options)
  }
  await judgeWalked(pool, all(), options, report)
}

/** {@link scanTree} for what something else has walked. */
export async function judgeWalked(
  pool: ScanPool,
  walked: AsyncIterable<Walked>,
  { priority = 'routine', shouldRead, signal }: JudgeWalkedOptions,
  report: Report,
): Promise<void> {
  const ahead = AHEAD * pool.options.jobs
  const open = new Set<Promise<void>>()
  let failed: { readonly cause: unknown } | undefined
  for await (const met of walked) {
    if (failed !== undefined || signal?.aborted) break
    if (met.kind !== 'file') {
      await report({ ...describePath(met.path), verdict: met.kind, reasons: [met.reason], ms: 0 }, met.path)
      continue
    }
    if (shouldRead && !(await shouldRead(met.path))) continue
    const judged: Promise<void> = pool
      .judge(met.path, { priority })
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
