import type { OperatorFactory } from '../operator.js'
import { leadingInt } from './int.js'
import { hasMacro } from './text-argument.js'

/**
 * Description: the value as a whole number is greater than the argument; what is no number counts as 0.
 * Arguments: a whole number, macros allowed.
 * Returns: true when it does.
 * Example: `SecRule &ARGS "@gt 5" "id:1,phase:2,deny"`
 */
export const gt: OperatorFactory = (argument) => {
  if (hasMacro(argument)) return (value, run) => leadingInt(value) > leadingInt(run.expand(argument))
  const number = leadingInt(argument)
  return (value) => leadingInt(value) > number
}
