import { messageOf } from '../../runtime/errors.js'
import type { ScanPolicy } from '../policy.js'
import { levelOfScore } from '../policy.js'
import type { Level, Reason } from '../verdict.js'
import type { RuleMatch, YaraEngine } from '../yara/engine.js'
import { loadNativeEngine } from '../yara/native-engine.js'
import { readRuleFiles, type RuleProblem } from '../yara/rule-files.js'
import { RuleSet } from '../yara/rule-set.js'
import { loadWasmEngine } from '../yara/wasm-engine.js'
import type { Engine } from './engine.js'

/** What was loaded, for the log, the summary and health. */
export interface LoadedYara {
  readonly engine: YaraEngine['name']
  /** Why the portable engine is used although the native one was asked for first. */
  readonly fallback?: string
  readonly rules: number
  /** Rules and files that are not among them. */
  readonly problems: readonly RuleProblem[]
}

/** `auto`: the native engine, and the portable one where there is no build of it. */
export type YaraChoice = 'auto' | 'native' | 'wasm'

/** YARA rules compiled once and used for many contents (YARA-X; rule language: virustotal.github.io/yara-x). */
export class YaraRules implements Engine {
  readonly name = 'yara'

  private constructor(
    readonly rules: RuleSet,
    readonly policy: ScanPolicy,
    readonly loaded: LoadedYara,
  ) {}

  /**
   * @param paths rule files, and folders of them
   * @throws ScanError `SCAN_YARA_RULES` when a path is missing or no rule at all compiles
   */
  static async load(paths: readonly string[], choice: YaraChoice, policy: ScanPolicy): Promise<YaraRules> {
    const { engine, fallback } = await loadEngine(choice)
    const problems: RuleProblem[] = []
    const rules = RuleSet.compile(readRuleFiles(paths, problems), engine, problems)
    return new YaraRules(rules, policy, {
      engine: engine.name,
      ...(fallback === undefined ? {} : { fallback }),
      rules: rules.size,
      problems,
    })
  }

  judge(content: Buffer): readonly Reason[] {
    const matches = this.rules.scan(content)
    return matches.length === 0 ? [] : matches.map((match) => this.#reasonOf(match))
  }

  #reasonOf(match: RuleMatch): Reason {
    const pack = this.rules.packOf(match.rule)
    const score = scoreOf(match.meta)
    const { description } = match.meta
    const detail = [
      ...(typeof description === 'string' ? [description.slice(0, 300)] : []),
      ...(pack ? [`pack ${pack.name} ${pack.version}`] : []),
    ].join('; ')
    return {
      engine: 'yara',
      rule: match.rule,
      level:
        ownLevel(match) ??
        (score === undefined ? (pack?.severity ?? 'malicious') : levelOfScore(score, this.policy)),
      ...(score === undefined ? {} : { score }),
      ...(detail === '' ? {} : { detail }),
    }
  }
}

async function loadEngine(choice: YaraChoice): Promise<{ engine: YaraEngine; fallback?: string }> {
  if (choice === 'wasm') return { engine: await loadWasmEngine() }
  try {
    return { engine: await loadNativeEngine() }
  } catch (error) {
    if (choice === 'native') throw error
    return { engine: await loadWasmEngine(), fallback: messageOf(error).split('\n', 1)[0] ?? '' }
  }
}

const WORDS: Readonly<Record<string, Level>> = {
  malicious: 'malicious',
  critical: 'malicious',
  high: 'malicious',
  suspicious: 'suspicious',
  medium: 'suspicious',
  low: 'note',
  info: 'note',
  informational: 'note',
  note: 'note',
}

/** What the rule says of itself: the tag `suspicious` or `note`, or a word in `verdict` or `severity` of its meta section. */
function ownLevel({ tags, meta }: RuleMatch): Level | undefined {
  for (const tag of tags) if (tag === 'suspicious' || tag === 'note') return tag
  for (const value of [meta.verdict, meta.severity])
    if (typeof value === 'string' && Object.hasOwn(WORDS, value.toLowerCase()))
      return WORDS[value.toLowerCase()]
  return undefined
}

/** `score`, or a numeric `severity`, of the meta section when it is a number from 0 to 100. */
function scoreOf(meta: RuleMatch['meta']): number | undefined {
  for (const value of [meta.score, meta.severity])
    if (typeof value === 'number' && value >= 0 && value <= 100) return value
  return undefined
}
