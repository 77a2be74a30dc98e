export type { ActionNode, DirectiveNode, RuleNode } from './ast.js'
export { severityName } from './actions/severity.js'
export { SecLangError, type SecLangErrorCode } from './errors.js'
export type { Interruption } from './disruption.js'
export { Evaluation, type EvaluationTrace } from './evaluation.js'
export { MAX_MATCHES } from './match-log.js'
export { parseIdRange } from './exclusions.js'
export type { SourcePosition } from './operator.js'
export { parseFile } from './parser/include.js'
export { compilePattern } from './pcre/index.js'
export type { SeclangPhase } from './rule.js'
export {
  type CompileOptions,
  type RuleInfo,
  RuleSet,
  type RuleSourceInput,
  compileRuleSet,
} from './rule-set.js'
export type { EngineMode, Settings } from './settings.js'
export { describeVariable } from './targets.js'
export { variableNames } from './variables/index.js'
