import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { z } from 'zod'

const fileResult = z.strictObject({
  /** Number of tests, and the SHA-256 of their names: two folders may hold different tests of one rule file. */
  tests: z.number().int(),
  names: z.string(),
  passed: z.number().int(),
  overridden: z.number().int(),
})
const ratchet = z.record(z.string(), z.record(z.string(), fileResult))

export type FileResult = z.infer<typeof fileResult>
/** Results by rule file. */
export type Results = Readonly<Record<string, FileResult>>
/** Results by listener, then by rule file. */
export type Ratchet = Readonly<Record<string, Results>>

/** How one test of a rule file went. */
export interface Outcome {
  readonly name: string
  readonly group: string
  readonly passed: boolean
  readonly overridden: boolean
}

export function resultsOf(outcomes: readonly Outcome[]): Results {
  const groups = new Map<string, Outcome[]>()
  for (const one of outcomes) groups.set(one.group, [...(groups.get(one.group) ?? []), one])
  return Object.fromEntries(
    [...groups]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([group, all]): [string, FileResult] => [
        group,
        {
          tests: all.length,
          names: createHash('sha256')
            .update(
              all
                .map(({ name }) => name)
                .toSorted()
                .join('\n'),
            )
            .digest('hex'),
          passed: all.filter(({ passed }) => passed).length,
          overridden: all.filter(({ overridden }) => overridden).length,
        },
      ]),
  )
}

export interface Comparison {
  /** What got worse: a rule file and why. */
  readonly worse: readonly string[]
  readonly better: readonly string[]
  /** Rule files of which the ratchet knows nothing, or other tests: there is nothing to compare with. */
  readonly unknown: readonly string[]
}

/** Compares a run with what was reached before. */
export function compare(known: Results, run: Results, outcomes: readonly Outcome[]): Comparison {
  const worse: string[] = []
  const better: string[] = []
  const unknown: string[] = []
  for (const [file, now] of Object.entries(run)) {
    const before = known[file]
    if (before?.names !== now.names) {
      unknown.push(file)
      continue
    }
    if (now.passed < before.passed) {
      const failed = outcomes.filter(({ group, passed }) => group === file && !passed).map(({ name }) => name)
      worse.push(`${file}: ${now.passed} pass, ${before.passed} did; not passed: ${failed.join(', ')}`)
    }
    if (now.overridden > before.overridden) {
      const used = outcomes
        .filter(({ group, overridden }) => group === file && overridden)
        .map(({ name }) => name)
      worse.push(`${file}: ${now.overridden} overrides, ${before.overridden} were needed: ${used.join(', ')}`)
    }
    if (now.passed > before.passed) better.push(`${file}: ${now.passed} pass, ${before.passed} did`)
    if (now.overridden < before.overridden)
      better.push(`${file}: ${now.overridden} overrides, ${before.overridden} were needed`)
  }
  return { worse, better, unknown }
}

export function readRatchet(path: string): Ratchet {
  return existsSync(path) ? ratchet.parse(JSON.parse(readFileSync(path, 'utf8'))) : {}
}

/** Sets what a run reached for its listener and its rule files; what it did not run stays. */
export function updateRatchet(path: string, listener: string, run: Results): void {
  const all = readRatchet(path)
  const merged = { ...all, [listener]: { ...all[listener], ...run } }
  writeFileSync(path, JSON.stringify(merged, undefined, 2) + '\n')
}
