import type { OperatorRun } from '../operator.js'
import type { CompiledOperator } from '../rule.js'

let reported = false

const report = (): void => {
  reported = true
}

const RUN: OperatorRun = {
  capturing: false,
  setCapture: report,
  locating: false,
  matchedAt: report,
  expand: (template) => {
    reported = true
    return template
  },
  truncate: report,
  setGeo: report,
}

/** Whether the operator says the same of a value in every transaction, whatever it may report besides. */
export function isPure({ name, argument }: CompiledOperator): boolean {
  return !argument.includes('%{') && name.toLowerCase() !== 'geolookup'
}

/** Whether the operator has nothing to report of a value but whether it matches, and what it captures. For pure operators. */
export function isSilent({ run }: CompiledOperator, value: string): boolean {
  reported = false
  run(value, RUN)
  return !reported
}

/**
 * Whether a value has to be judged in its transaction: it matches, or the operator has something to report.
 *
 * @param argument of the operator, expanded; for pure operators it is not needed
 */
export function probe({ run, negated }: CompiledOperator, value: string, argument?: string): boolean {
  reported = false
  return run(value, argument === undefined ? RUN : { ...RUN, expand: () => argument }) !== negated || reported
}
