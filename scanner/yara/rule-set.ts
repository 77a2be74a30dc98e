import { messageOf } from '../../runtime/errors.js'
import { ScanError } from '../errors.js'
import type { CompiledRules, RuleMatch, YaraEngine } from './engine.js'
import { firstBytes, type FirstBytes } from './first-bytes.js'
import type { Pack, RuleFile, RuleProblem } from './rule-files.js'
import { compileRules } from './probed-rules.js'
import { parseRules } from './rule-source.js'
import { modulesOf, type LoadedFile, type PlacedRule } from './rule-text.js'

/** Compiled rules that are asked only about contents which begin as they must. */
interface GuardedRules {
  readonly compiled: CompiledRules
  readonly first: FirstBytes
}

/** Rounds of leaving out what does not compile, each of which may show that another rule needed it. */
const MAX_ROUNDS = 20

const MZ = 0x5a4d

/**
 * Rules of many files as one namespace, compiled without those that do not compile. They are in up to three sets: for any
 * content, for contents that begin with `MZ`, and for those that begin in another way that some rule asks for.
 */
export class RuleSet {
  readonly #sets: readonly GuardedRules[]
  readonly #rules: ReadonlyMap<string, PlacedRule>

  private constructor(sets: readonly GuardedRules[], rules: Iterable<PlacedRule>) {
    this.#sets = sets
    this.#rules = new Map([...rules].map((rule) => [rule.name, rule]))
  }

  /** Rules that are loaded. */
  get size(): number {
    return this.#rules.size
  }

  /** Adds to `problems` what had to be left out. */
  static compile(files: readonly RuleFile[], engine: YaraEngine, problems: RuleProblem[]): RuleSet {
    const loaded: LoadedFile[] = []
    for (const file of files) {
      const parsed = parseRules(file.text)
      const { problem } = parsed
      if (!problem) loaded.push({ ...file, ...parsed })
      else {
        const line = lineAt(file.text, problem.start)
        problems.push({ file: file.file, line, message: problem.message })
      }
    }
    const rules = loaded.flatMap((file) => file.rules.map((rule): PlacedRule => ({ ...rule, file })))
    const kept = new Set(rules)
    for (let round = 0; ; round++)
      try {
        return new RuleSet(compileSets([...kept], engine), kept)
      } catch (cause) {
        if (round === MAX_ROUNDS || !leaveOutBroken(loaded, kept, engine, problems))
          throw new ScanError('SCAN_YARA_RULES', `the YARA rules do not compile: ${messageOf(cause)}`, {
            cause,
          })
      }
  }

  /** Rules that a content meets, each once. */
  scan(content: Buffer): readonly RuleMatch[] {
    const begins = content.length < 2 ? -1 : content.readUInt16LE(0)
    const found: RuleMatch[] = []
    for (const { compiled, first } of this.#sets) {
      if (first && !first.has(begins)) continue
      for (const match of compiled.scan(content))
        // A rule that others refer to may be in more than one set; the native engine reports private rules too.
        if (!this.#rules.get(match.rule)?.isPrivate && !found.some(({ rule }) => rule === match.rule))
          found.push(match)
    }
    return found
  }

  packOf(rule: string): Pack | undefined {
    return this.#rules.get(rule)?.file.pack
  }
}

/** @throws when one of the sets does not compile */
function compileSets(rules: readonly PlacedRule[], engine: YaraEngine): GuardedRules[] {
  const first = new Map(rules.map((rule) => [rule, firstBytes(rule.condition)]))
  const always: PlacedRule[] = []
  const mz: PlacedRule[] = []
  const others: PlacedRule[] = []
  const begins = new Set<number>()
  for (const [rule, values] of first)
    if (!values) always.push(rule)
    else if (values.size === 1 && values.has(MZ)) mz.push(rule)
    else {
      others.push(rule)
      for (const value of values) begins.add(value)
    }
  const sets: [readonly PlacedRule[], FirstBytes][] = [
    [always, undefined],
    [mz, new Set([MZ])],
    [others, begins],
  ]
  return sets
    .filter(([set]) => set.length > 0)
    .map(([set, values]) => ({ compiled: compileRules(set, rules, engine), first: values }))
}

/**
 * All files as one source in which what is not kept is blank, and imports that nothing kept uses, so that every line and column
 * stays where it is for the compiler to name.
 */
function placedSource(files: readonly LoadedFile[], kept: ReadonlySet<PlacedRule>): string {
  const modules = modulesOf(kept)
  const starts = new Map(files.map((file) => [file, new Set<number>()]))
  for (const { file, start } of kept) starts.get(file)?.add(start)
  return files
    .map((file) => {
      const left = [
        ...file.rules.filter(({ start }) => !starts.get(file)?.has(start)),
        ...file.imports.filter(({ module }) => !modules.has(module)),
      ]
      const parts: string[] = []
      let at = 0
      for (const { start, end } of left.sort((a, b) => a.start - b.start)) {
        parts.push(file.text.slice(at, start), file.text.slice(start, end).replace(/[^\n]/g, ' '))
        at = end
      }
      return [...parts, file.text.slice(at)].join('')
    })
    .join('\n')
}

/**
 * Takes the rules in which the compiler finds something wrong out of `kept`, and out of `files` those in which something is
 * wrong outside of rules.
 * @returns whether anything was left out
 */
function leaveOutBroken(
  files: LoadedFile[],
  kept: Set<PlacedRule>,
  engine: YaraEngine,
  problems: RuleProblem[],
): boolean {
  const placed = [...kept]
  const starts: { readonly file: LoadedFile; readonly line: number }[] = []
  let line = 1
  for (const file of files) {
    starts.push({ file, line })
    line += file.text.split('\n').length
  }
  const broken = new Set<LoadedFile>()
  for (const error of engine.check(placedSource(files, kept))) {
    const start = starts.findLast((candidate) => candidate.line <= error.line)
    if (!start || broken.has(start.file)) continue
    const { file } = start
    const problem = { file: file.file, line: error.line - start.line + 1, message: error.message }
    const offset = offsetOf(file.text, problem.line, error.column)
    const rule = placed.find(
      (candidate) => candidate.file === file && candidate.start <= offset && offset < candidate.end,
    )
    if (!rule) {
      broken.add(file)
      problems.push(problem)
    } else if (kept.delete(rule)) problems.push({ ...problem, rule: rule.name })
  }
  for (const file of broken) files.splice(files.indexOf(file), 1)
  for (const rule of placed) if (broken.has(rule.file)) kept.delete(rule)
  return kept.size < placed.length || broken.size > 0
}

const lineAt = (text: string, offset: number): number => text.slice(0, offset).split('\n').length

function offsetOf(text: string, line: number, column: number): number {
  let at = 0
  for (let number = 1; number < line; number++) at = text.indexOf('\n', at) + 1
  return at + column - 1
}
