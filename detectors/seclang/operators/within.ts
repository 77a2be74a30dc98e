import { requiring } from '../operator.js'
import type { OperatorFactory } from '../operator.js'
import { maskOf, noRequirement } from '../prefilter/index.js'
import { hasMacro, textArgument } from './text-argument.js'

/**
 * Description: the value stands somewhere in the argument: a list of allowed words in one text.
 * Arguments: text, macros allowed.
 * Returns: true when it does; an empty value always does.
 * Example: `SecRule REQUEST_METHOD "!@within GET HEAD POST" "id:1,phase:1,deny"`
 */
export const within: OperatorFactory = (argument) => {
  const text = textArgument(argument)
  const requires = hasMacro(argument)
    ? noRequirement
    : { ...noRequirement, maxLength: argument.length, within: maskOf(argument) }
  return requiring(requires, (value, run) => text(run).includes(value))
}
