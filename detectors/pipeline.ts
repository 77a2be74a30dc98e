import type { DetectionConfig } from './config.js'
import { describeUnknownPhase } from './config.js'
import { DetectorError } from './errors.js'
import { InspectionDriver, type InspectionPlan, planPolicies } from './inspection-driver.js'
import type { Inspection } from './inspection.js'
import { effectiveMode } from './modes.js'
import { PHASE_ORDER, isAvailable } from './phase-order.js'
import type { Phase } from './phase.js'
import { policyPhases } from './policy-phases.js'
import type { Ports, RuleFiles } from './ports.js'
import type { ClientInfo, RequestHead } from './request.js'
import { guardedFiles } from './rule-guard.js'
import { ruleSources } from './rule-sources.js'
import { type RuleSet, compileRuleSet } from './seclang/index.js'
import { Transaction } from './transaction.js'
import type { Mode, PhaseName } from './verdict.js'

export interface PipelineDeps {
  readonly ports: Ports
  /** Reads rule packs, rule files and address lists, while the pipeline is made and never later. */
  readonly files: RuleFiles
  /** Told, while the pipeline is made, about what works otherwise than its author may think. */
  readonly warn: (message: string) => void
  /** Name of the site, which keeps its counters apart from those of others. Default `default`. */
  readonly site?: string
  /** Runs only these phases (`--phases`); their modes stay as configured. */
  readonly only?: readonly PhaseName[]
  /** Folder of our own rule packs. Default: the one of this package. */
  readonly packs?: string
  /**
   * Nanoseconds from any fixed point, for the timings of phases; nothing that is judged depends on it. Without it there
   * are no timings and nothing is measured.
   */
  readonly monotonic?: () => number
}

/** All phases of one site, ready to judge. Immutable: a changed configuration makes a new one. */
export interface Pipeline {
  /** Starts judging one transaction. */
  inspect(client: ClientInfo, head: RequestHead): Inspection
  /** The rules of the site by id, for `explain` and `rules list`. */
  readonly rules: RuleSet['rules']
  /** What the directives of the site say; sizes of bodies among them are for the gateway to keep. */
  readonly settings: RuleSet['settings']
  /** Names of the phases that run, in running order. */
  readonly phases: readonly PhaseName[]
  /**
   * This pipeline with further rules, as phase `custom_rules` and before all others of their seclang phase. Only they are
   * compiled, so it takes about a millisecond.
   *
   * @param text SecLang, as a byte string
   * @throws SecLangError, RangeError when an id is taken
   */
  patchedWith(text: string): Pipeline
}

/**
 * Builds the pipeline of a site: loads lists and rules, compiles them, orders the phases. Throws `DetectorError` for a
 * setting and `SecLangError` for a rule that cannot be honoured; nothing is left out in silence.
 */
export function createPipeline(config: DetectionConfig, deps: PipelineDeps): Pipeline {
  checkNames(deps.only)
  const modeOf = (name: PhaseName): Mode => effectiveMode(config, name, deps.only)
  const policies = policyPhases(config, modeOf, deps)
  const policyPlan = planPolicies(policies, ({ name }) => modeOf(name))
  const idle = (name: PhaseName): boolean => !policies.some((phase: Phase) => phase.name === name)
  const phases = PHASE_ORDER.filter(
    ({ name, kind }) => modeOf(name) !== 'off' && (kind === 'seclang' || !idle(name)),
  ).map(({ name }) => name)
  const pipelineOf = (rules: RuleSet): Pipeline => {
    const plan: InspectionPlan = {
      siteMode: config.mode,
      limitAction: config.limits.exceeded,
      policies: policyPlan,
      rules,
      ...(deps.monotonic === undefined ? {} : { monotonic: deps.monotonic }),
    }
    return {
      rules: rules.rules,
      settings: rules.settings,
      phases,
      inspect: (client, head) => new InspectionDriver(plan, new Transaction(client, head, deps.ports)),
      patchedWith: (text) => pipelineOf(withPatches(rules, text, config, deps)),
    }
  }
  return pipelineOf(compileSiteRules(config, deps))
}

function withPatches(rules: RuleSet, text: string, config: DetectionConfig, deps: PipelineDeps): RuleSet {
  const source = { file: '(virtual patches)', text, label: 'custom_rules', set: 'virtual_patches' } as const
  return rules.precededBy([source], {
    files: deps.files,
    modes: new Map([['custom_rules', effectiveMode(config, 'custom_rules', deps.only)]]),
    siteMode: config.mode,
    warn: deps.warn,
  })
}

/**
 * The rules of a site alone, as `createPipeline` compiles them; for looking at them without judging anything.
 *
 * @throws DetectorError, SecLangError
 */
export function compileSiteRules(
  config: DetectionConfig,
  deps: Pick<PipelineDeps, 'files' | 'warn' | 'only' | 'packs'>,
): RuleSet {
  const modeOf = (name: PhaseName): Mode => effectiveMode(config, name, deps.only)
  return compileRuleSet(ruleSources(config, modeOf, deps), {
    files: guardedFiles(deps.files, deps.warn),
    modes: ruleModes(config, modeOf),
    siteMode: config.mode,
    warn: (message, position) => deps.warn(`${position.file}:${position.line}: ${message}`),
  })
}

/** The modes that rules run in, by the phase that they are filed under. */
function ruleModes(config: DetectionConfig, modeOf: (name: PhaseName) => Mode): ReadonlyMap<PhaseName, Mode> {
  const modes = new Map<PhaseName, Mode>(
    PHASE_ORDER.filter(({ kind }) => kind === 'seclang').map(({ name }) => [name, modeOf(name)]),
  )
  // Rules of a Core Rule Set among the operator's own carry its label; they run with the rest of their file even where
  // only `custom_rules` was asked for.
  if (config.phases.owasp_crs.mode !== 'off' && modeOf('owasp_crs') === 'off') {
    modes.set('owasp_crs', modeOf('custom_rules'))
  }
  return modes
}

function checkNames(only: readonly PhaseName[] | undefined): void {
  for (const name of only ?? []) {
    if (isAvailable(name)) continue
    throw new DetectorError('DETECTOR_PHASE_UNAVAILABLE', describeUnknownPhase(name))
  }
}
