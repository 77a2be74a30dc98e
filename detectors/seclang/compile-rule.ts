import type { Mode, PhaseName } from '../verdict.js'
import { seclangPhase } from './actions/phase.js'
import { action, refusedAction } from './actions/index.js'
import type { ActionNode, RuleNode } from './ast.js'
import { type ActionContext, LinkDraft, RuleDraft, finishDisruptive } from './draft.js'
import { SecLangError } from './errors.js'
import type { OperatorLoadContext, SourcePosition } from './operator.js'
import { locates, operatorFactory } from './operators/index.js'
import { directoryOf } from './parser/include.js'
import type { Warn } from './parser/directives.js'
import { oneLine } from './one-line.js'
import type { CompiledOperator, CompiledRule, FixedStory, RuleLink, SeclangPhase } from './rule.js'
import { type Macro, parseMacro } from './macro.js'
import { compileExclusion, compileTarget } from './targets.js'
import type { TransformationChain } from './transformation-chain.js'
import type { RuleFiles } from '../ports.js'

/** A rule as it was read: its links, and what SecDefaultAction said where it stands. */
export interface RuleSource {
  readonly links: [RuleNode, ...RuleNode[]]
  readonly id: number
  readonly phase: SeclangPhase
  readonly defaults: readonly ActionNode[]
  readonly label: PhaseName
  readonly set: string
  /** Runs whatever product phases are on. */
  readonly base: boolean
}

export interface RuleCompileContext {
  readonly files: RuleFiles
  readonly warn: Warn
  readonly emptyChain: TransformationChain
  readonly mode: Mode
  readonly unicodeMap: ReadonlyMap<number, number> | undefined
}

/** Turns a rule with its links into what the evaluator runs. */
export function compileRule(source: RuleSource, context: RuleCompileContext): CompiledRule {
  const draft = new RuleDraft()
  const [starter, ...rest] = source.links
  const first = compileLink(starter, true, draft, source, context)
  const links: [RuleLink, ...RuleLink[]] = [
    first,
    ...rest.map((n) => compileLink(n, false, draft, source, context)),
  ]
  return {
    id: draft.id,
    phase: source.phase,
    label: source.label,
    mode: context.mode,
    position: starter.position,
    links,
    msg: draft.msg,
    msgText: draft.msg.text,
    logdata: draft.logdata,
    tags: draft.tags.map((tag) => tag.text),
    tagMacros: draft.tags,
    fixed: fixedStory(draft),
    severity: draft.severity,
    rev: draft.rev,
    ver: draft.ver,
    maturity: draft.maturity,
    accuracy: draft.accuracy,
    log: draft.log,
    auditlog: draft.auditlog,
    disruptive: finishDisruptive(draft),
    skip: draft.skip,
    skipAfter: draft.skipAfter,
    xmlNamespaces: draft.xmlNamespaces,
  }
}

function fixedStory({ msg, logdata, tags }: RuleDraft): FixedStory {
  return {
    msg: msg.constant ? oneLine(msg.text) : undefined,
    data: logdata.constant ? oneLine(logdata.text) : undefined,
    tags: tags.every(({ constant }) => constant) ? tags.map(({ text }) => text) : undefined,
    last: undefined,
  }
}

function compileLink(
  node: RuleNode,
  starter: boolean,
  draft: RuleDraft,
  source: RuleSource,
  context: RuleCompileContext,
): RuleLink {
  const { position } = node
  const load: OperatorLoadContext = { position, directory: directoryOf(position.file), files: context.files }
  const actions: ActionContext = {
    ...load,
    label: source.label,
    warn: context.warn,
    unicodeMap: context.unicodeMap,
    macro: (text): Macro => parseMacro(text, position, context.warn),
  }
  const link = new LinkDraft(draft, starter, context.emptyChain, context.emptyChain)
  for (const item of source.defaults) {
    // A later link takes only transformations over: the rest of the defaults belongs to the rule.
    if (starter || item.name === 't') applyAction(item, link, actions)
  }
  if (starter) draft.blockMeans = draft.disruptive
  for (const item of node.actions) applyAction(item, link, actions)
  return {
    position,
    targets: node.variables
      .filter(({ exclude }) => !exclude)
      .map((variable) => compileTarget(variable, load)),
    exclusions: node.variables
      .filter(({ exclude }) => exclude)
      .map((variable) => compileExclusion(variable, load)),
    operator: compileOperator(node, load, context.warn),
    transformations: link.transformations,
    multiMatch: link.multiMatch,
    capture: link.capture,
    effects: link.effects,
  }
}

function compileOperator(
  node: RuleNode,
  load: OperatorLoadContext,
  warn: Warn,
): CompiledOperator | undefined {
  const { operator } = node
  if (operator === undefined) return undefined
  const factory = operatorFactory(operator.name)
  if (factory === undefined) {
    throw new SecLangError('SECLANG_UNKNOWN_OPERATOR', `unknown operator @${operator.name}`, load.position)
  }
  // Unknown names in macros show at load, not when a request comes.
  if (operator.argument.includes('%{')) parseMacro(operator.argument, load.position, warn)
  const { name, negated, argument } = operator
  return { name, negated, argument, run: factory(argument, load), locates: locates(factory) }
}

/** Applies one action to a link, with the rules of the language about where it may stand. */
function applyAction(item: ActionNode, link: LinkDraft, context: ActionContext): void {
  const definition = action(item.name)
  if (definition === undefined) {
    const reason = refusedAction(item.name)
    throw reason === undefined
      ? new SecLangError('SECLANG_UNKNOWN_ACTION', `unknown action ${item.name}`, context.position)
      : new SecLangError(
          'SECLANG_REFUSED',
          `the action ${item.name} is not offered: ${reason}`,
          context.position,
        )
  }
  const argument = item.argument ?? ''
  if (definition.argument === 'required' && argument === '') {
    throw new SecLangError('SECLANG_BAD_ARGUMENT', `the action ${item.name} wants a value`, context.position)
  }
  if (definition.argument === 'none' && item.argument !== undefined) {
    throw new SecLangError('SECLANG_BAD_ARGUMENT', `the action ${item.name} takes no value`, context.position)
  }
  if (!link.starter) {
    const misplaced = definition.kind === 'disruptive' || definition.kind === 'flow'
    if (misplaced || item.name === 'id' || item.name === 'phase') {
      const message = `${item.name} may stand only in the first rule of a chain`
      throw new SecLangError('SECLANG_BAD_ARGUMENT', message, context.position)
    }
  }
  definition.apply(link, argument, context)
}

/** The seclang phase that a rule's actions name; 2 when they name none. */
export function phaseOf(actions: readonly ActionNode[], position: SourcePosition): SeclangPhase {
  const argument = actions.findLast(({ name }) => name === 'phase')?.argument
  if (argument === undefined) return 2
  const phase = seclangPhase(argument)
  if (phase === undefined) {
    throw new SecLangError('SECLANG_BAD_ARGUMENT', `phase:${argument} does not exist`, position)
  }
  return phase
}

/** The id in a rule's actions; 0 when there is none. */
export function idOf(actions: readonly ActionNode[]): number {
  const argument = actions.findLast(({ name }) => name === 'id')?.argument ?? ''
  return /^\d{1,10}$/.test(argument) ? Number(argument) : 0
}
