export { SecLangError, type SecLangErrorCode } from './errors.js'
export { Evaluation, type EvaluationTrace, type Interruption, MAX_MATCHES } from './evaluation.js'
export type { SourcePosition } from './operator.js'
export type { SeclangPhase } from './rule.js'
export {
  type CompileOptions,
  type RuleInfo,
  RuleSet,
  type RuleSourceInput,
  compileRuleSet,
} from './rule-set.js'
export type { EngineMode, Settings } from './settings.js'
export { variableNames } from './variables/index.js'
