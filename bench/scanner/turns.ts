import { spawn } from 'node:child_process'
import { mkdtempSync, openSync, closeSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** One run of one program, as a user sees it. */
export interface Turn {
  readonly wallSeconds: number
  /** Until the first file could be judged; within `wallSeconds`. */
  readonly startSeconds: number
  readonly output: string
}

/** Runs a program with its output in a file, so that no reader of ours takes time from it. */
export async function run(command: string, args: readonly string[]): Promise<Turn & { said: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
  const files = [join(folder, 'out'), join(folder, 'err')] as const
  const [out, err] = files.map((file) => openSync(file, 'w'))
  try {
    const begun = performance.now()
    await new Promise((resolve, reject) => {
      const child = spawn(command, args, { stdio: ['ignore', out, err] })
      child.on('error', reject)
      child.on('exit', resolve)
    })
    const wallSeconds = (performance.now() - begun) / 1000
    return {
      wallSeconds,
      startSeconds: 0,
      output: readFileSync(files[0], 'utf8'),
      said: readFileSync(files[1], 'utf8'),
    }
  } finally {
    for (const descriptor of [out, err]) if (descriptor !== undefined) closeSync(descriptor)
    rmSync(folder, { recursive: true })
  }
}

/** `portcullis scan` with two workers and nothing of its own rules; the summary tells how long the scan alone took. */
export async function ours(args: readonly string[], tree: string): Promise<Turn> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
  const config = join(folder, 'config.yaml')
  writeFileSync(config, 'scanner:\n  builtin_rules: false\n')
  const program = fileURLToPath(new URL('../../bin/portcullis', import.meta.url))
  try {
    const turn = await run(program, ['scan', '--config', config, '--json', '--jobs', '2', ...args, tree])
    const seconds = / in ([\d.]+) s/.exec(turn.said)?.[1]
    if (seconds === undefined) throw new Error(`no summary of our scan: ${turn.said.slice(-500)}`)
    return { ...turn, startSeconds: turn.wallSeconds - Number(seconds) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

const rounded = (seconds: number): number => Math.round(seconds * 100) / 100

/** Medians of turns that alternated, and what they say. */
export function compare(theirs: readonly Turn[], mine: readonly Turn[]) {
  const seconds = (turns: readonly Turn[]): number =>
    median(turns.map(({ wallSeconds, startSeconds }) => wallSeconds - startSeconds))
  return {
    theirSeconds: rounded(seconds(theirs)),
    ourSeconds: rounded(seconds(mine)),
    ourStartSeconds: rounded(median(mine.map(({ startSeconds }) => startSeconds))),
    timesAsFast: rounded(seconds(theirs) / seconds(mine)),
    allTheirSeconds: theirs.map(({ wallSeconds }) => rounded(wallSeconds)),
    allOurSeconds: mine.map(({ wallSeconds, startSeconds }) => rounded(wallSeconds - startSeconds)),
    machine: { processors: cpus().length, model: cpus()[0]?.model.trim(), load: loadavg()[0] },
  }
}

/** Prints a result, and keeps it for machines. */
export function report(result: object, json: string | undefined): void {
  const text = JSON.stringify(result, null, 2)
  process.stdout.write(`${text}\n`)
  if (json !== undefined) writeFileSync(json, `${text}\n`)
}
