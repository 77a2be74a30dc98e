import type { RuleFiles } from '../ports.js'
import type { Transaction } from '../transaction.js'
import { type Mode, PHASE_NAMES, type PhaseName } from '../verdict.js'
import type { ActionNode, DirectiveNode, RuleNode } from './ast.js'
import { PersistentStore } from './collections/persistent.js'
import { type RuleSource, compileRule, idOf, phaseOf } from './compile-rule.js'
import { type SettingsDraft, applySetting } from './directives/settings.js'
import { unicodeMap } from './directives/unicode-map.js'
import { type RuleUpdate, ruleUpdate } from './directives/updates.js'
import { SecLangError } from './errors.js'
import { Evaluation, type EvaluationTrace, type RuleProgram } from './evaluation.js'
import { weaker } from './mode.js'
import type { SourcePosition } from './operator.js'
import { parseFile, parseText } from './parser/include.js'
import { Plan, filtersOf } from './plan/index.js'
import type { CompiledRule, PhaseItem, SeclangPhase } from './rule.js'
import { DEFAULT_SETTINGS, type Settings } from './settings.js'
import { describeVariable } from './targets.js'
import { TransformationChain } from './transformation-chain.js'

/** Rule text, or a file of it, and the product phase that its rules belong to. */
export interface RuleSourceInput {
  /** An absolute path; with `text` the name that errors show. */
  readonly file: string
  /** Rule text as a byte string; `file` is read when it is missing. */
  readonly text?: string
  readonly label: PhaseName
  /** SecDefaultAction and markers reach as far as their set; the label by default. */
  readonly set?: string
  /**
   * Engine settings and the rules that go with them, such as the choice of a body processor: they come first in every seclang phase and
   * run whatever product phases are on, in the site's mode.
   */
  readonly base?: boolean
}

export interface CompileOptions {
  readonly files: RuleFiles
  /** Mode per product phase; a phase that is missing has the site's mode. */
  readonly modes: ReadonlyMap<PhaseName, Mode>
  readonly siteMode: Mode
  /** Told of what is read but has no effect, or is surely a mistake. */
  readonly warn: (message: string, position: SourcePosition) => void
  /**
   * Told of each error, when all of them are wanted: what is wrong is left out and the rest is compiled. Without it the first
   * error is thrown, which is how anything that judges loads its rules.
   */
  readonly onError?: (error: SecLangError) => void
}

/** What is known of a rule without running it. */
export interface RuleInfo {
  readonly id: number
  readonly file: string
  readonly line: number
  readonly seclangPhase: SeclangPhase
  readonly phase: PhaseName
  readonly msg: string
  readonly tags: readonly string[]
  readonly severity: number | undefined
  /** Of the first link, as written. */
  readonly variables: readonly string[]
  readonly operator: string
}

/** All SecLang of one site, ready to judge transactions. Immutable but for the persistent collections. */
export class RuleSet {
  readonly settings: Settings
  /** Rules by id; rules without one are not listed. */
  readonly rules: ReadonlyMap<number, RuleInfo>
  /** Number of rules that run, with and without id. */
  readonly size: number
  readonly #program: RuleProgram

  constructor(
    settings: Settings,
    phases: ReadonlyMap<SeclangPhase, readonly PhaseItem[]>,
    rules: ReadonlyMap<number, RuleInfo>,
    /** Root of the transformations of its rules; a transaction caches their results by it. */
    readonly chains: TransformationChain,
    store = new PersistentStore(),
    filters = filtersOf(phases),
  ) {
    this.settings = settings
    this.rules = rules
    const plan = new Plan(phases, filters)
    this.#program = { settings, phases, plan, readsFields: readsFields(phases), store, macros: new Map() }
    let size = 0
    for (const phase of phases.keys()) size += this.#program.plan.steps(phase).length
    this.size = size
  }

  /** Starts judging one transaction. */
  begin(tx: Transaction, trace?: EvaluationTrace): Evaluation {
    return new Evaluation(this.#program, tx, trace)
  }

  /**
   * This set with further rules before its own in every seclang phase, so that nothing of this one can step over them but
   * what an earlier seclang phase says. Settings and persistent collections stay those of this set; only the further rules
   * are compiled.
   *
   * @throws SecLangError, RangeError when an id is in both
   */
  precededBy(sources: readonly RuleSourceInput[], options: CompileOptions): RuleSet {
    const first = compileRuleSet(sources, options, this.chains)
    for (const id of first.rules.keys())
      if (this.rules.has(id)) throw new RangeError(`rule ${id} is in both sets`)
    const { phases: own, plan, store } = this.#program
    const { phases: further, plan: furtherPlan } = first.#program
    const phases = new Map(
      [...own].map(([phase, items]) => [phase, [...(further.get(phase) ?? []), ...items]]),
    )
    const rules = new Map([...first.rules, ...this.rules])
    const filters = [...furtherPlan.filters, ...plan.filters]
    return new RuleSet(this.settings, phases, rules, this.chains, store, filters)
  }

  /** Whether any rule runs in this seclang phase. */
  runs(phase: SeclangPhase): boolean {
    return this.#program.plan.steps(phase).length > 0
  }

  /** Which bodies have to be held, as directives and rules stand; a transaction may change it with `ctl`. */
  wants(): { readonly requestBody: boolean; readonly responseBody: boolean } {
    return {
      requestBody: this.settings.requestBodyAccess && this.size > 0,
      responseBody: this.settings.responseBodyAccess && this.runs(4),
    }
  }
}

/** What holds parameters; a macro may name one too, and then reads them though no rule does. */
const FIELDS = /^(?:ARGS|URLENCODED_ERROR)/

function readsFields(phases: ReadonlyMap<SeclangPhase, readonly PhaseItem[]>): boolean {
  return [...phases.values()]
    .flat()
    .some(
      (item) =>
        item.kind === 'rule' &&
        item.rule.links.some(({ targets }) => targets.some(({ collection }) => FIELDS.test(collection))),
    )
}

interface Chaining {
  readonly source: RuleSource
  readonly label: PhaseName
}

/** Everything that the sources say, before it is compiled. */
class Collector {
  readonly settings: SettingsDraft = { ...DEFAULT_SETTINGS }
  readonly items: (
    RuleSource | { readonly marker: string; readonly set: string; readonly label: PhaseName }
  )[] = []
  readonly updates: RuleUpdate[] = []
  /** What `urlDecodeUni` folds code points by; undefined for the built-in map. */
  unicodeMap: ReadonlyMap<number, number> | undefined
  readonly #defaults = new Map<string, readonly ActionNode[]>()
  readonly #ids = new Map<number, SourcePosition>()
  #mimeTypesGiven = false

  constructor(readonly options: CompileOptions) {}

  read(input: RuleSourceInput): void {
    const { files, warn } = this.options
    const nodes =
      input.text === undefined
        ? parseFile(input.file, files, warn)
        : parseText(input.text, input.file, files, warn)
    const base = input.base === true
    const set = input.set ?? (base ? 'base' : input.label)
    let chain: Chaining | undefined
    for (const node of nodes) {
      if (chain !== undefined) {
        if (node.kind !== 'rule' || node.position.file !== chain.source.links[0].position.file) {
          throw unfinished(chain.source)
        }
        chain.source.links.push(node)
        if (!chains(node)) chain = undefined
        continue
      }
      const source = this.#directive(node, set, input.label, base)
      if (source !== undefined && chains(source.links[0])) chain = { source, label: input.label }
    }
    if (chain !== undefined) throw unfinished(chain.source)
  }

  #directive(node: DirectiveNode, set: string, label: PhaseName, base: boolean): RuleSource | undefined {
    switch (node.kind) {
      case 'marker':
        this.items.push({ marker: node.name, set, label })
        return undefined
      case 'default':
        this.#defaults.set(`${set}\0${phaseOf(node.actions, node.position)}`, checkDefaults(node))
        return undefined
      case 'setting':
        this.#setting(node)
        return undefined
      case 'rule':
        return this.#rule(node, set, label, base)
    }
  }

  #setting(node: Extract<DirectiveNode, { kind: 'setting' }>): void {
    const update = ruleUpdate(node, this.options.files)
    if (update !== undefined) {
      this.updates.push(update)
      return
    }
    if (node.name === 'secunicodemapfile') {
      this.unicodeMap = unicodeMap(node, this.options.files)
      return
    }
    const before = this.settings.responseMimeTypes
    applySetting(this.settings, node, this.options.warn)
    if (node.name === 'secresponsebodymimetype') {
      // The first one replaces the built-in list, later ones add to it.
      if (this.#mimeTypesGiven) {
        this.settings.responseMimeTypes = [...before, ...this.settings.responseMimeTypes]
      }
      this.#mimeTypesGiven = true
    }
  }

  #rule(node: RuleNode, set: string, label: PhaseName, base: boolean): RuleSource {
    const id = idOf(node.actions)
    if (id !== 0) {
      const first = this.#ids.get(id)
      if (first !== undefined) {
        const message = `rule ${id} is already defined at ${first.file}:${first.line}`
        const error = new SecLangError('SECLANG_DUPLICATE_ID', message, node.position)
        if (this.options.onError === undefined) throw error
        this.options.onError(error)
      } else this.#ids.set(id, node.position)
    }
    const phase = phaseOf(node.actions, node.position)
    const source: RuleSource = {
      links: [node],
      id,
      phase,
      defaults: this.#defaults.get(`${set}\0${phase}`) ?? [],
      label: ownLabel(node, label),
      set,
      base,
    }
    this.items.push(source)
    return source
  }
}

/**
 * Compiles all SecLang of a site into one rule set. Throws `SecLangError` for what cannot be honoured.
 *
 * @param chains root of the transformations, when the rules are to run with those of another set
 */
export function compileRuleSet(
  sources: readonly RuleSourceInput[],
  options: CompileOptions,
  chains = TransformationChain.root(),
): RuleSet {
  const collector = new Collector(options)
  // Inside a seclang phase the order is product phase first, then as the sources were given.
  const ordered = sources.toSorted((a, b) => rank(a) - rank(b))
  const attempt = (step: () => void): void => {
    if (options.onError === undefined) {
      step()
      return
    }
    try {
      step()
    } catch (error) {
      if (!(error instanceof SecLangError)) throw error
      options.onError(error)
    }
  }
  for (const source of ordered) attempt(() => collector.read(source))

  const phases = new Map<SeclangPhase, PhaseItem[]>([1, 2, 3, 4, 5].map((n) => [n as SeclangPhase, []]))
  const rules = new Map<number, RuleInfo>()
  const context = {
    files: options.files,
    warn: options.warn,
    emptyChain: chains,
    unicodeMap: collector.unicodeMap,
  }
  for (const item of collector.items) {
    if ('marker' in item) {
      for (const items of phases.values()) items.push({ kind: 'marker', name: item.marker, set: item.set })
      continue
    }
    const ofPhase = item.base ? options.siteMode : (options.modes.get(item.label) ?? options.siteMode)
    const mode = weaker(options.siteMode, ofPhase)
    if (mode === 'off') continue
    attempt(() => {
      let source: RuleSource | undefined = item
      for (const update of collector.updates) source = source && update(source)
      if (source === undefined) return
      const rule = compileRule(source, { ...context, mode })
      phases.get(rule.phase)?.push({ kind: 'rule', rule, set: source.set })
      if (rule.id !== 0) rules.set(rule.id, describe(rule, source))
    })
  }
  return new RuleSet(collector.settings, phases, rules, chains)
}

function rank(source: RuleSourceInput): number {
  return source.base === true ? -1 : PHASE_NAMES.indexOf(source.label)
}

function describe(rule: CompiledRule, source: RuleSource): RuleInfo {
  const [starter] = source.links
  const { operator } = starter
  return {
    id: rule.id,
    file: rule.position.file,
    line: rule.position.line,
    seclangPhase: rule.phase,
    phase: rule.label,
    msg: rule.msgText,
    tags: rule.tags,
    severity: rule.severity,
    variables: starter.variables.map(describeVariable),
    operator:
      operator === undefined ? '' : `${operator.negated ? '!' : ''}@${operator.name} ${operator.argument}`,
  }
}

/** Core Rule Set rules among the operator's own files belong to the phase `owasp_crs`: their `ver` says so. */
function ownLabel(node: RuleNode, label: PhaseName): PhaseName {
  if (label !== 'custom_rules') return label
  const ver = node.actions.findLast(({ name }) => name === 'ver')?.argument ?? ''
  return ver.startsWith('OWASP_CRS/') ? 'owasp_crs' : label
}

function chains(node: RuleNode): boolean {
  return node.actions.some(({ name }) => name === 'chain')
}

function unfinished(source: RuleSource): SecLangError {
  const message = `the chain of rule ${source.id} is not followed by a rule`
  return new SecLangError('SECLANG_SYNTAX', message, source.links[0].position)
}

// A default for every rule of a phase cannot be what makes one rule that rule.
const NOT_A_DEFAULT = new Set([
  'id',
  'msg',
  'rev',
  'chain',
  'skip',
  'skipafter',
  'severity',
  'ver',
  'logdata',
])
const DISRUPTIVE = new Set(['pass', 'deny', 'drop', 'redirect', 'allow'])

function checkDefaults(node: Extract<DirectiveNode, { kind: 'default' }>): readonly ActionNode[] {
  const { actions, position } = node
  for (const { name, argument } of actions) {
    if (NOT_A_DEFAULT.has(name)) {
      throw new SecLangError('SECLANG_BAD_ARGUMENT', `${name} cannot be a default action`, position)
    }
    if (name === 't' && argument?.toLowerCase() === 'none') {
      throw new SecLangError('SECLANG_BAD_ARGUMENT', 't:none cannot be a default action', position)
    }
  }
  if (!actions.some(({ name }) => name === 'phase')) {
    throw new SecLangError('SECLANG_BAD_ARGUMENT', 'SecDefaultAction wants a phase', position)
  }
  if (!actions.some(({ name }) => DISRUPTIVE.has(name))) {
    throw new SecLangError(
      'SECLANG_BAD_ARGUMENT',
      'SecDefaultAction wants pass, deny, drop, redirect or allow',
      position,
    )
  }
  // `block` stands for the default itself.
  return actions.filter(({ name }) => name !== 'block')
}
