import { messageOf } from '../../runtime/errors.js'
import { ScanError } from '../errors.js'
import type { CompiledRules, RuleMatch, YaraEngine } from './engine.js'
import { firstBytes, requiredPattern, type FirstBytes } from './first-bytes.js'
import type { Pack, RuleFile, RuleProblem } from './rule-files.js'
import { parseRules, type ParsedSource, type SourceRule } from './rule-source.js'

interface LoadedFile extends RuleFile, ParsedSource {}

/** A rule with all that decides in which sets it is. */
interface PlacedRule extends SourceRule {
  readonly file: LoadedFile
  readonly first: FirstBytes
}

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
      if (parsed.unclosed === undefined) loaded.push({ ...file, ...parsed })
      else
        problems.push({
          file: file.file,
          line: lineAt(file.text, parsed.unclosed),
          message: 'what begins here is not closed',
        })
    }
    const rules = loaded.flatMap((file) =>
      file.rules.map((rule): PlacedRule => ({ ...rule, file, first: firstBytes(rule.condition) })),
    )
    const kept = new Set(rules)
    for (let round = 0; ; round++)
      try {
        return new RuleSet(compileSets(loaded, [...kept], engine), kept)
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
function compileSets(
  files: readonly LoadedFile[],
  rules: readonly PlacedRule[],
  engine: YaraEngine,
): GuardedRules[] {
  const isMz = ({ first }: PlacedRule): boolean => first?.size === 1 && first.has(MZ)
  const always = rules.filter(({ first }) => first === undefined)
  const groups: [readonly PlacedRule[], FirstBytes][] = [
    [always, undefined],
    [rules.filter(isMz), new Set([MZ])],
  ]
  const others = rules.filter((rule) => rule.first !== undefined && !isMz(rule))
  groups.push([others, new Set(others.flatMap(({ first }) => [...(first ?? [])]))])
  return groups
    .filter(([group]) => group.length > 0)
    .map(([group, first]) => ({
      compiled: engine.compile(
        sourceOf(files, withReferences(group, rules), { isForAny: first === undefined, ...engine }),
      ),
      first,
    }))
}

/** A group with the rules that its conditions name, and with global rules, which decide about all. */
function withReferences(group: readonly PlacedRule[], rules: readonly PlacedRule[]): Set<PlacedRule> {
  const byName = new Map(rules.map((rule) => [rule.name, rule]))
  const members = new Set([...group, ...rules.filter(({ isGlobal }) => isGlobal)])
  // A set goes through what is added to it on the way.
  for (const { condition } of members)
    for (const token of condition) {
      const named = byName.get(token)
      if (named) members.add(named)
    }
  return members
}

/** How the conditions of a set are put. */
interface Form extends Pick<YaraEngine, 'prunesTooMuch'> {
  /** Its rules are asked about every content, so what they need most is asked first. */
  readonly isForAny: boolean
}

const blank = (text: string): string => text.replace(/[^\n]/g, ' ')

/**
 * One source of the given rules with everything else blank, so that every line and column stays where it is, and without
 * imports that none of them uses: what a module finds out about a content costs, whether it is asked for or not.
 * @param form how conditions are put; as they are written when absent
 */
function sourceOf(files: readonly LoadedFile[], members: ReadonlySet<PlacedRule>, form?: Form): string {
  const modules = new Set<string>()
  for (const { condition } of members)
    for (const token of condition) modules.add(token.split('.', 1)[0] ?? token)
  const starts = new Map([...members].map((rule) => [rule.file, new Map<number, PlacedRule>()]))
  for (const rule of members) starts.get(rule.file)?.set(rule.start, rule)
  return files.map((file) => textOf(file, starts.get(file), modules, form)).join('\n')
}

function textOf(
  { text, rules, imports }: LoadedFile,
  kept: ReadonlyMap<number, SourceRule> | undefined,
  modules: ReadonlySet<string>,
  form: Form | undefined,
): string {
  const parts: string[] = []
  let at = 0
  const cut = (start: number, end: number, put: string): void => {
    parts.push(text.slice(at, start), put)
    at = end
  }
  const pieces = [...imports, ...rules].sort((a, b) => a.start - b.start)
  for (const piece of pieces) {
    const { start, end } = piece
    if ('module' in piece) {
      if (!modules.has(piece.module)) cut(start, end, blank(text.slice(start, end)))
    } else if (!kept?.has(start)) cut(start, end, blank(text.slice(start, end)))
    else if (form) {
      const required = form.isForAny ? requiredPattern(piece.condition, piece.patterns) : undefined
      cut(piece.conditionStart, piece.conditionStart, required === undefined ? '(' : `${required} and (`)
      cut(end - 1, end - 1, form.prunesTooMuch ? '\n) or filesize < 0' : '\n)')
    }
  }
  parts.push(text.slice(at))
  return parts.join('')
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
  for (const error of engine.check(sourceOf(files, kept))) {
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
