import type { Entry } from '../collections/entry.js'
import { PLAIN_RUN } from '../patterns.js'
import type { CompiledOperator, CompiledRule, RuleLink } from '../rule.js'
import type { TransactionState } from '../state.js'

/** The entry that a link matches as things stand; undefined when it matches none. */
export type Condition = (state: TransactionState) => Entry | undefined

const CONSTANT = new Set(['eq', 'ge', 'gt', 'le', 'lt', 'streq'])

const ABSENT: Entry = { key: '', value: '0' }
const PRESENT: Entry = { key: '', value: '1' }

/**
 * A quick way to judge a link on one variable of `TX`, or on whether there is one: how rule sets ask for their settings, for paranoia levels and for scores.
 * Undefined for any other link.
 */
export function condition({ targets, operator, transformations }: RuleLink): Condition | undefined {
  const [target] = targets
  if (target?.collection !== 'TX' || target.key === undefined || targets.length > 1) return undefined
  if (operator === undefined || transformations.parent !== undefined) return undefined
  if (!isConstant(operator) || operator.argument.includes('%{')) return undefined
  const { key } = target
  if (target.count) {
    const absent = answer(operator, ABSENT.value) ? ABSENT : undefined
    const present = answer(operator, PRESENT.value) ? PRESENT : undefined
    return ({ txVariables }) => (txVariables.lookUp(key) === undefined ? absent : present)
  }
  // The variable seldom changes between transactions.
  let value = ''
  let result = answer(operator, value)
  return ({ txVariables }) => {
    const entry = txVariables.lookUp(key)
    if (entry === undefined) return undefined
    if (entry.value !== value) {
      value = entry.value
      result = answer(operator, value)
    }
    return result ? entry : undefined
  }
}

/** Whether a rule says the same each time it matches an entry, and ends nothing. */
export function isRoutine(rule: CompiledRule): boolean {
  const [{ exclusions, capture }] = rule.links
  const { msg, data, tags } = rule.fixed
  return (
    rule.links.length === 1 &&
    rule.disruptive.kind === 'pass' &&
    rule.severity === undefined &&
    !rule.log &&
    !capture &&
    exclusions.length === 0 &&
    msg !== undefined &&
    data !== undefined &&
    tags !== undefined
  )
}

/** Whether an operator says the same of the same value and the same (expanded) argument at any time, and nothing else. */
export function isConstant({ name }: CompiledOperator): boolean {
  return CONSTANT.has(name.toLowerCase())
}

function answer({ run, negated }: CompiledOperator, value: string): boolean {
  return run(value, PLAIN_RUN) !== negated
}
