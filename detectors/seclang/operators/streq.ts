import { requiring } from '../operator.js'
import type { OperatorFactory } from '../operator.js'
import { noRequirement } from '../prefilter/index.js'
import { hasMacro, heldText, textArgument } from './text-argument.js'

/**
 * Description: the value equals the argument, byte for byte.
 * Arguments: text, macros allowed.
 * Returns: true when they are equal.
 * Example: `SecRule ARGS:token "!@streq %{TX.expected}" "id:1,phase:2,deny"`
 */
export const streq: OperatorFactory = (argument) => {
  const text = textArgument(argument)
  const requires = hasMacro(argument) ? noRequirement : { ...heldText(argument), maxLength: argument.length }
  return requiring(requires, (value, run) => value === text(run))
}
